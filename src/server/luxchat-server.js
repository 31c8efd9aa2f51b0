// The server's door, in a language that every Node reads: says what is needed where Node is too old for main.ts, else hands over to it.
if (Number(process.versions.node.split('.')[0]) >= 24) await import('./main.ts');
else {
  console.error(
    `Luxchat needs Node 24 or newer, and this is ${process.versions.node}. On Linux \`npm ci\` brings it, and \`npm start\` finds it; elsewhere install it first.`,
  );
  process.exitCode = 2;
}
