// Sends the SAML request on; without JavaScript the button does.
document.getElementById("request").submit();
