#!/usr/bin/env perl
# A Lambda function in Perl: reads a line, prints a line.  The JSON is Cpanel::JSON::XS's.
use strict;
use warnings;
use Cpanel::JSON::XS ();
use IO::Handle ();

# Bytes on both sides, so the locale does not matter.  Of duplicate keys the last counts, and members
# come out sorted, as Perl keeps them in another order in each process.
my $json = Cpanel::JSON::XS->new->utf8->allow_nonref->allow_dupkeys->canonical->max_depth(10_000);

# An exception that callers can tell from others: its class is their errorType.
package ExampleError {
    use overload '""' => sub { $_[0]{message} }, fallback => 1;
    sub throw { my ($class, $message) = @_; die bless { message => $message }, $class }
}

# The function itself: an event in, a result out, an exception where it cannot.
sub handle {
    my ($event, $context) = @_;
    die "expected an object\n" if ref $event ne 'HASH';
    ExampleError->throw($event->{fail}) if exists $event->{fail};
    return $event->{echo} if exists $event->{echo};
    die "expected name, fail or echo\n" if !exists $event->{name};

    my $name = $event->{name};
    # Perl takes 5 for "5"; the library still knows which it was.
    die "name is not a string\n" if $json->encode($name) !~ /^"/;
    print "greeting $name\n";    # a log line
    return { greeting => "Hello, $name!" };
}

# What follows is the loop around it.

# One reply to one request, tagged with the request's id, as a line.
sub answer {
    my ($line) = @_;

    # The id stands first in a request.  So it is known even of a line that the library refuses, as
    # for a lone surrogate, and the caller can be told why.
    my ($id) = $line =~ /^\s*\{\s*"id"\s*:\s*("[^"]*")/ or die "could not read the request: it has no id\n";

    my @stack;
    my $result = eval {
        local $SIG{__DIE__} = sub { @stack = stack() };
        my $request = $json->decode($line);
        $json->encode(scalar handle($request->{event}, $request->{context}));
    };
    return qq({"id":$id,"result":$result}\n) if defined $result;

    my $problem = $@;
    chomp(my $message = "$problem");
    my $error = { errorType => ref $problem || 'Error', errorMessage => $message, stackTrace => \@stack };
    return qq({"id":$id,"error":${\ $json->encode($error)}}\n);
}

# Where the exception at hand was thrown, the innermost call first.
sub stack {
    my @stack;
    for (my $depth = 1; my (undef, $file, $line) = caller $depth; $depth++) {
        push @stack, sprintf '%s at %s line %d', (caller $depth + 1)[3] // 'main', $file, $line;
    }
    return @stack;
}

# Replies get a copy of standard output, and standard output itself becomes the log: whatever prints
# from here on, a child process included, can no longer land in the middle of a reply.
open my $replies, '>&', \*STDOUT or die "could not copy standard output: $!";
open STDOUT, '>&', \*STDERR or die "could not make standard output the log: $!";
binmode $_, ':raw' for \*STDIN, $replies;
binmode $_, ':utf8' for \*STDOUT, \*STDERR;

# Perl keeps its output back when it writes to a pipe, and this sends each print off.
$_->autoflush for $replies, \*STDOUT;

# The end of input means stop.
while (my $line = <STDIN>) {
    next if $line !~ /\S/;    # a space may come before the first line, and then nothing at all
    print {$replies} answer($line) or die "could not reply: $!";
}
