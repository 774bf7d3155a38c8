/** What the compiler must accept and refuse of templates. It is compiled, never run. */
import { BaseLoader, DictLoader, Loader, Template, type TemplateNamespace } from "squall/template";

/** An interface has no index signature, and is a namespace all the same. */
interface Page {
  readonly title: string;
}

export function render(page: Page, namespace: TemplateNamespace): string {
  const template: Template = new DictLoader({ a: "", b: Buffer.from("") }).load("a", "b");
  const later: Promise<string> = template.generateAsync(page);
  void later;
  // @ts-expect-error: names are given in an object
  template.generate("title");
  // @ts-expect-error: there are three modes
  new Template("", { whitespace: "none" });
  // @ts-expect-error: text or bytes
  new Template(1);
  // @ts-expect-error: a loader of one's own says how names and sources are found
  new BaseLoader();
  new Loader(new URL("templates", import.meta.url), { autoescape: null, maxIncludeDepth: undefined });
  return template.generate() + template.generate(page) + template.generate(namespace);
}
