// On a wall nobody presses reload: a kept page that has not come to life within a minute is loaded again.
setTimeout(function () {
  if (document.documentElement.dataset.display !== 'alive') location.reload();
}, 60000);
