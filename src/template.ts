/** `squall/template`: a template language that is compiled to JavaScript. */
export { BaseLoader, type LoaderOptions } from "./text/template/base-loader.js";
export type { TemplatePlace } from "./text/template/code-writer.js";
export { DictLoader } from "./text/template/dict-loader.js";
export {
  ParseError,
  type ParseErrorOptions,
  TemplateError,
  TemplateNameError,
  TemplateNotFoundError,
} from "./text/template/errors.js";
export { Loader } from "./text/template/loader.js";
export type { TemplateTree } from "./text/template/nodes.js";
export { compileTemplates, PrecompiledLoader } from "./text/template/precompile.js";
export type {
  ListedPlace,
  PrecompiledEntry,
  PrecompiledTemplate,
  PrecompiledTemplates,
} from "./text/template/precompiled-format.js";
export type { TemplateNamespace } from "./text/template/render-scope.js";
export { type TemplateLocation, templateErrorLocation } from "./text/template/stack-trace.js";
export { Template, type TemplateLoader, type TemplateOptions } from "./text/template/template.js";
export { filterWhitespace, type WhitespaceMode } from "./text/template/whitespace.js";
