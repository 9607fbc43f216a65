#!/usr/bin/perl
# A Lambda function in Perl: reads a line, prints a line.
use strict;
use warnings;
use JSON::PP;

$| = 1;
while (my $line = <STDIN>) {
    next unless $line =~ /\S/;
    my $request  = decode_json($line);
    my $greeting = "Hello, $request->{event}{name}!";
    print encode_json({ id => $request->{id}, result => { greeting => $greeting } }), "\n";
}
