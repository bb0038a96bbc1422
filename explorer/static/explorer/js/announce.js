// One polite live region a page: what changed, for those who do not see it change.
export const announce = text => {
  const region = document.querySelector("[data-announce]");
  if (region) region.textContent = text;
};
