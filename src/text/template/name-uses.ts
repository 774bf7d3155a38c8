/**
 * Finds the names of a JavaScript expression that are the template's: those that no function, block or class
 * inside the expression declares. A walk over the tree of acorn (ESTree) with the scopes of ECMA-262 §8.2:
 * parameters and `var` belong to a function, `let`, `const`, `class` and inner functions to a block.
 */
import type { NameUse, UseKind } from "./expression.js";

/** A node of the tree; its members depend on the type. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [member: string]: unknown;
}

/** What was found. */
export interface FoundUses {
  readonly uses: readonly NameUse[];
  readonly awaits: boolean;
}

type Complain = (offset: number, message: string) => never;

/** Values of the language that look like names (ECMA-262 §19.1); no namespace can change what they mean. */
const CONSTANTS = new Set(["undefined", "NaN", "Infinity"]);

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";

/** The nodes directly below a node. */
function* childrenOf(node: SyntaxNode): Generator<SyntaxNode> {
  for (const value of Object.values(node)) {
    if (isNode(value)) yield value;
    else if (Array.isArray(value)) yield* value.filter(isNode);
  }
}

const childOf = (node: SyntaxNode, member: string): SyntaxNode | undefined => {
  const child = node[member];
  return isNode(child) ? child : undefined;
};

const listOf = (node: SyntaxNode, member: string): SyntaxNode[] => {
  const list = node[member];
  return Array.isArray(list) ? list.filter(isNode) : [];
};

const nameOf = (node: SyntaxNode): string => String(node.name);

/** Adds the names that a pattern declares. */
function addBindings(pattern: SyntaxNode, names: Set<string>): void {
  switch (pattern.type) {
    case "Identifier":
      names.add(nameOf(pattern));
      return;
    case "Property":
      addBindings(pattern.value as SyntaxNode, names);
      return;
    case "AssignmentPattern":
      addBindings(pattern.left as SyntaxNode, names);
      return;
    default:
      for (const child of childrenOf(pattern)) addBindings(child, names);
  }
}

const isFunction = ({ type }: SyntaxNode): boolean =>
  type === "FunctionExpression" || type === "ArrowFunctionExpression" || type === "FunctionDeclaration";

/** Adds the names that `var` declares, which belong to the whole function. */
function addVariables(node: SyntaxNode, names: Set<string>): void {
  if (isFunction(node)) return;
  if (node.type === "VariableDeclaration" && node.kind === "var") {
    for (const declarator of listOf(node, "declarations")) addBindings(declarator.id as SyntaxNode, names);
  }
  for (const child of childrenOf(node)) addVariables(child, names);
}

/** Adds the names that statements declare for the block in which they stand. */
function addDeclarations(statements: readonly SyntaxNode[], names: Set<string>): void {
  for (const statement of statements) {
    if (statement.type === "VariableDeclaration") {
      for (const { id } of listOf(statement, "declarations")) addBindings(id as SyntaxNode, names);
    } else if (statement.type === "FunctionDeclaration" || statement.type === "ClassDeclaration") {
      addBindings(statement.id as SyntaxNode, names);
    }
  }
}

/** Where the walk is. */
interface Place {
  /** The names that are declared round here, innermost last. */
  readonly scopes: readonly ReadonlySet<string>[];
  /** Whether this place is reached whenever the expression is evaluated. */
  readonly certain: boolean;
  /** Whether it is inside a function of the expression. */
  readonly inFunction: boolean;
}

const maybe = (place: Place): Place => (place.certain ? { ...place, certain: false } : place);

const RESERVED = "names that begin with _tt_ are reserved";

class Walk {
  readonly uses: NameUse[] = [];
  awaits = false;
  readonly #complain: Complain;

  constructor(complain: Complain) {
    this.#complain = complain;
  }

  use(node: SyntaxNode, kind: UseKind, place: Place, whole: SyntaxNode = node): void {
    const name = nameOf(node);
    if (place.scopes.some((names) => names.has(name)) || CONSTANTS.has(name)) return;
    // `await` would be a name in a script and a word in an async function.
    if (name === "eval" || name === "arguments" || name === "await")
      this.#complain(node.start, `the name ${name} cannot be used in a template`);
    if (name.startsWith("_tt_")) this.#complain(node.start, RESERVED);
    this.uses.push({ name, kind, start: whole.start, end: whole.end, certain: place.certain });
  }

  all(nodes: Iterable<SyntaxNode>, place: Place): void {
    for (const node of nodes) this.visit(node, place);
  }

  child(node: SyntaxNode, member: string, place: Place): void {
    const child = childOf(node, member);
    if (child !== undefined) this.visit(child, place);
  }

  visit(node: SyntaxNode, place: Place): void {
    switch (node.type) {
      case "Identifier":
        this.use(node, "read", place);
        return;
      case "MemberExpression":
        this.child(node, "object", place);
        if (node.computed === true) this.child(node, "property", maybe(place));
        return;
      case "ChainExpression":
      case "CallExpression":
      case "NewExpression":
        // Arguments and keys may be skipped by a `?.` in front of them.
        this.child(node, "expression", place);
        this.child(node, "callee", place);
        this.all(listOf(node, "arguments"), maybe(place));
        return;
      case "LogicalExpression":
        this.child(node, "left", place);
        this.child(node, "right", maybe(place));
        return;
      case "ConditionalExpression":
        this.child(node, "test", place);
        this.child(node, "consequent", maybe(place));
        this.child(node, "alternate", maybe(place));
        return;
      case "AssignmentExpression":
        this.#assignment(node, place);
        return;
      case "UpdateExpression":
        this.#operation(node, "argument", "update", place);
        return;
      case "UnaryExpression":
        this.#operation(node, "argument", node.operator === "typeof" ? "typeof" : "read", place);
        return;
      case "Property":
      case "PropertyDefinition":
      case "MethodDefinition":
        this.#member(node, place);
        return;
      case "VariableDeclarator":
        this.pattern(node.id as SyntaxNode, place, false);
        this.child(node, "init", place);
        return;
      case "FunctionExpression":
      case "ArrowFunctionExpression":
      case "FunctionDeclaration":
        this.#function(node, place);
        return;
      case "ClassExpression":
      case "ClassDeclaration": {
        const own = new Set<string>();
        const id = childOf(node, "id");
        if (id !== undefined) addBindings(id, own);
        this.child(node, "superClass", this.#within(node, place, own));
        this.child(node, "body", this.#within(node, maybe(place), own));
        return;
      }
      case "BlockStatement":
      case "StaticBlock":
      case "SwitchStatement":
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement":
        this.#block(node, place);
        return;
      case "CatchClause": {
        const own = new Set<string>();
        const param = childOf(node, "param");
        if (param !== undefined) addBindings(param, own);
        if (param !== undefined) this.pattern(param, this.#within(node, place, own), false);
        this.child(node, "body", this.#within(node, place, own));
        return;
      }
      case "LabeledStatement":
        this.child(node, "body", place);
        return;
      case "BreakStatement":
      case "ContinueStatement":
        return;
      case "AwaitExpression":
        if (!place.inFunction) this.awaits = true;
        break;
      case "ImportExpression":
        this.#complain(node.start, "import() cannot be used in a template; see {% import %}");
        break;
      case "MetaProperty":
        return;
    }
    this.all(childrenOf(node), place);
  }

  /**
   * A pattern or another target: names are assigned, or only declared; defaults and computed keys are read.
   */
  pattern(node: SyntaxNode, place: Place, assigned: boolean): void {
    switch (node.type) {
      case "Identifier":
        if (assigned) this.use(node, "assign", place);
        return;
      case "MemberExpression":
        this.visit(node, place);
        return;
      case "Property":
        if (node.computed === true) this.child(node, "key", place);
        this.pattern(node.value as SyntaxNode, place, assigned);
        return;
      case "AssignmentPattern":
        this.pattern(node.left as SyntaxNode, place, assigned);
        this.child(node, "right", maybe(place));
        return;
      default:
        for (const child of childrenOf(node)) this.pattern(child, place, assigned);
    }
  }

  /**
   * The place inside of a node that declares names. Names of the engine must not be hidden from its own
   * tests.
   */
  #within(node: SyntaxNode, place: Place, names: ReadonlySet<string>): Place {
    for (const name of names) if (name.startsWith("_tt_")) this.#complain(node.start, RESERVED);
    return { ...place, scopes: [...place.scopes, names] };
  }

  #assignment(node: SyntaxNode, place: Place): void {
    const operator = String(node.operator);
    const logical = operator === "??=" || operator === "||=" || operator === "&&=";
    if (operator === "=") {
      this.child(node, "right", place);
      this.pattern(node.left as SyntaxNode, place, true);
      return;
    }
    const kind = operator === "??=" || operator === "||=" ? "default" : "update";
    this.#operation(node, "left", kind, place);
    this.child(node, "right", logical ? maybe(place) : place);
  }

  /**
   * An operation on a name that no other text can take the place of; on anything else it is nothing special.
   */
  #operation(node: SyntaxNode, member: string, kind: UseKind, place: Place): void {
    let operand = node[member] as SyntaxNode;
    while (operand.type === "ParenthesizedExpression") operand = operand.expression as SyntaxNode;
    if (operand.type === "Identifier" && kind !== "read") {
      this.use(operand, kind, place, node);
      if (kind !== "typeof") this.use(operand, "assign", place);
    } else {
      this.visit(operand, place);
    }
  }

  #member(node: SyntaxNode, place: Place): void {
    if (node.computed === true) this.child(node, "key", place);
    const value = childOf(node, "value");
    if (value === undefined) return;
    if (node.shorthand === true && value.type === "Identifier") this.use(value, "shorthand", place);
    else this.visit(value, place);
  }

  #function(node: SyntaxNode, place: Place): void {
    const own = new Set<string>();
    if (node.type !== "ArrowFunctionExpression") own.add("arguments");
    const id = childOf(node, "id");
    if (id !== undefined) addBindings(id, own);
    const params = listOf(node, "params");
    for (const param of params) addBindings(param, own);
    const body = node.body as SyntaxNode;
    addVariables(body, own);
    const inside: Place = { ...this.#within(node, maybe(place), own), inFunction: true };
    for (const param of params) this.pattern(param, inside, false);
    this.visit(body, inside);
  }

  #block(node: SyntaxNode, place: Place): void {
    const own = new Set<string>();
    const statements = [
      ...listOf(node, "body"),
      ...listOf(node, "cases").flatMap((one) => listOf(one, "consequent")),
      ...["init", "left"].map((member) => childOf(node, member)).filter((child) => child !== undefined),
    ];
    addDeclarations(statements, own);
    const inside = this.#within(node, place, own);
    const left = childOf(node, "left");
    if (left !== undefined && left.type !== "VariableDeclaration") this.pattern(left, inside, true);
    for (const child of childrenOf(node)) {
      if (child !== left || left.type === "VariableDeclaration") this.visit(child, inside);
    }
  }
}

/**
 * The uses of names in an expression, or in a pattern whose names are all assigned. `complain` is called for
 * what a template may not do: `eval`, `arguments`, `import()`, names of the engine.
 */
export function findNameUses(node: SyntaxNode, isPattern: boolean, complain: Complain): FoundUses {
  const walk = new Walk(complain);
  const place: Place = { scopes: [], certain: true, inFunction: false };
  if (isPattern) walk.pattern(node, place, true);
  else walk.visit(node, place);
  return walk;
}
