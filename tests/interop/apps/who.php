<?php

// Who is signed in, as SimpleSAMLphp tells an application; ?login=1 begins a sign-in, ?logout=1 a
// single logout.

require_once '/usr/share/simplesamlphp/lib/_autoload.php';

$app = new \SimpleSAML\Auth\Simple('default-sp');
if (isset($_GET['login'])) {
    $app->login([
        'ReturnTo' => 'http://' . $_SERVER['HTTP_HOST'] . '/who.php',
        'ForceAuthn' => isset($_GET['force']),
        'isPassive' => isset($_GET['passive']),
    ]);
}
if (isset($_GET['logout'])) {
    $app->logout('http://' . $_SERVER['HTTP_HOST'] . '/who.php');
}
header('Content-Type: application/json');
if (!$app->isAuthenticated()) {
    http_response_code(401);
    echo 'null';
    exit;
}
$nameId = $app->getAuthData('saml:sp:NameID');
echo json_encode([
    'name_id' => $nameId->getValue(),
    'name_id_format' => $nameId->getFormat(),
    'session_index' => $app->getAuthData('saml:sp:SessionIndex'),
    'values' => array_merge([], ...array_values($app->getAttributes())),
]);
