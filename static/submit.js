// Sends the page's one form on, so that nobody has to press Continue. Without JavaScript they do.
document.getElementById("auto-submit").submit();
