/** Lists the texts that the front end and its settings show, for the test of the translations. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const here = import.meta.dirname;
const texts = new Map();

function literal(node) {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : null;
}

function visit(node, file) {
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const name = node.expression.name.text;
    const of = node.expression.expression.getText();
    if ((name === '__' || name === '_n') && /(^|\.)_?trans$/.test(of)) {
      const one = literal(node.arguments[0]);
      if (one !== null) {
        texts.set(one, name === '_n' ? literal(node.arguments[1]) : null);
      } else if (!file.endsWith('schema.ts')) {
        throw new Error(`${file}: a text that is no literal: ${node.getText()}`);
      }
    }
  }
  ts.forEachChild(node, child => visit(child, file));
}

for (const file of readdirSync(join(here, 'src'), { recursive: true })) {
  if (/\.tsx?$/.test(file) && !file.endsWith('generated.ts')) {
    const path = join(here, 'src', file);
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
    visit(source, file);
  }
}
const schema = JSON.parse(readFileSync(join(here, 'schema', 'plugin.json'), 'utf8'));
for (const part of [schema, ...Object.values(schema.properties)]) {
  for (const text of [part.title, part.description]) {
    if (text !== undefined) {
      texts.set(text, null);
    }
  }
}
console.log(JSON.stringify([...texts]));
