/** Light or dark, by the page's button. */
export const THEME = /* js */ `
/** Turns to the other one of what the reader sees now. */
function changeTheme() {
  const set = document.documentElement.dataset.theme;
  const dark = set ? set === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'light' : 'dark';
}
`;
