#!/usr/bin/perl
# An authentication server for the test of the package: perl is in every Debian. It knows one user, zhangsan, with 123456.
use strict;
use warnings;
use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 8080, Listen => 16, ReuseAddr => 1) or die "$!";
while (my $caller = $server->accept) {
    my ($length, $body) = (0, '');
    while (defined(my $line = <$caller>)) {
        last if $line =~ /^\r?\n$/;
        $length = $1 if $line =~ /^content-length:\s*(\d+)/i;
    }
    read($caller, $body, $length) if $length;
    my $right = $body =~ /zhangsan/ && $body =~ /123456/;
    my $reply = $right ? '{"code":200,"uid":"zhangsan"}' : '{"code":500,"msg":"wrong"}';
    print $caller "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " . length($reply) . "\r\n\r\n$reply";
    close $caller;
}
