// Before the first paint, so that a dark desktop never flashes white.
const chosen = localStorage.getItem('strongroom.theme');
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
document.documentElement.lang = localStorage.getItem('PARAGLIDE_LOCALE') ?? navigator.language.slice(0, 2);
