// Runs before the first paint so that a dark screen never flashes white. The choice is kept by the theme manager.
(function () {
  var choice = null;
  try {
    choice = localStorage.getItem('truckiq.theme');
  } catch {
    // Storage may be blocked; the system's setting decides then.
  }
  var dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
