# Runs Debian's small Perl programs one after the other, each in a copy of this process: what it has loaded need not
# be loaded again. Reads from the pipe `ask` the process that stands for the program (whose folder, environment and
# open files it gets), its name and its arguments, each ending with a zero byte; writes its status to the pipe `answer`.
use strict;
use warnings;
use File::Basename;
use File::Path;
use File::Temp;
use Getopt::Long;

my $place = shift;
my %programs = map { basename($_) => $_ } @ARGV;
umask 022;

sub become {
    my ($pid, $name, @arguments) = @_;
    my $of = "/proc/$pid";
    open my $environment, '<', "$of/environ" or die "$of/environ: $!";
    %ENV = map { /^([^=]+)=(.*)$/s } do { local $/ = "\0"; map { chomp; $_ } <$environment> };
    chdir "$of/cwd" or die "$of/cwd: $!";
    open STDIN, '<', "$of/fd/0" or die "$of/fd/0: $!";
    open STDOUT, '>>', "$of/fd/1" or die "$of/fd/1: $!";
    open STDERR, '>>', "$of/fd/2" or die "$of/fd/2: $!";
    @ARGV = @arguments;
    $0 = $programs{$name} or die "no program `$name`";
    do $0;
    die $@ if $@;
    exit 0;
}

while (1) {
    open my $ask, '<', "$place/ask" or die "$place/ask: $!";
    my $asked = do { local $/; <$ask> } or last;
    close $ask;
    my @words = split /\0/, $asked, -1;
    pop @words;
    my $child = fork // die "fork: $!";
    become(@words) unless $child;
    waitpid $child, 0;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    open my $answer, '>', "$place/answer" or die "$place/answer: $!";
    print $answer "$status\n";
    close $answer;
}
