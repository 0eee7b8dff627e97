<?php
// sabre/vobject reads the calendars at the addresses given; what it finds, as JSON: see in_python.py.
require 'Sabre/VObject/autoload.php';

function plain($property) {
    if (!$property->hasTime()) {
        return $property->getDateTime()->format('Y-m-d');
    }
    $moment = clone $property->getDateTime();
    return $moment->setTimezone(new DateTimeZone('UTC'))->format('Y-m-d\TH:i:sP');
}

// Version 2 leaves some of TEXT escaped as it came (RFC 5545 §3.3.11); later ones do not.
function text($property) {
    $is_old = strncmp(Sabre\VObject\Version::VERSION, '2.', 2) === 0;
    return $is_old ? preg_replace('/\\\\([,;])/', '$1', (string) $property) : (string) $property;
}

$found = [];
foreach (array_slice($argv, 1) as $url) {
    $found[$url] = new stdClass();
    foreach (Sabre\VObject\Reader::read(file_get_contents($url))->select('VEVENT') as $event) {
        $found[$url]->{(string) $event->UID} = [
            text($event->SUMMARY), plain($event->DTSTART), plain($event->DTEND),
        ];
    }
}
echo json_encode($found);
