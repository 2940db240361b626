/* Files that the browser makes. */

export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** What a file says of itself, by the keywords that PNG has for it. */
export const textsOf = ({ title, parameters, verdict, small }) => ({
  Title: title,
  Description: [parameters, verdict].filter(Boolean).join("\n"),
  Source: small,
});
