#!/usr/bin/perl
# Mail::DKIM as a judge: one request per line, one answer of JSON per line (judge_line.h says how).
use strict;
use warnings;

# Mail::DKIM asks for the time by itself: it gets that of the request.
our $now = 0;
BEGIN { *CORE::GLOBAL::time = sub () { return $main::now } }

use JSON::PP;
use Mail::DKIM::DNS;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;

# A TXT record as Mail::DKIM looks at it.
package Answer {
	sub new { my ($class, $text) = @_; return bless { text => $text }, $class }
	sub type { return 'TXT' }
	sub txtdata { my ($self) = @_; return ($self->{text}) }
}

our %texts;

{
	no warnings 'redefine';
	*Mail::DKIM::DNS::query = sub {
		my ($name, $type) = @_;
		$@ = '';
		return map { Answer->new($_) } @{ $texts{ lc $name } || [] };
	};
}

sub octets { return pack('H*', $_[0]) }

sub verify_message {
	my ($when, $chunk, $message, @records) = @_;
	$now = $when;
	%texts = ();
	for (@records) {
		my ($name, $text) = split /=/, $_, 2;
		push @{ $texts{$name} }, octets($text);
	}
	my $verifier = Mail::DKIM::Verifier->new(Strict => 1);
	my $fine = eval { $verifier->PRINT(octets($message)); $verifier->CLOSE; 1 };
	my %answer = (signatures => []);
	$answer{message} = "$@" unless $fine;
	for my $signature ($verifier->signatures) {
		push @{ $answer{signatures} }, {
			selector => scalar(eval { $signature->selector }) // '',
			result   => $fine && ($signature->result // '') eq 'pass' ? 'pass' : 'fail',
			reason   => scalar(eval { $signature->result_detail }) // '',
		};
	}
	return \%answer;
}

sub sign_message {
	my ($when, $canon, $algorithm, $domain, $selector, $key_file, $message) = @_;
	$now = $when;
	my $signer = Mail::DKIM::Signer->new(
		Algorithm => $algorithm, Method => $canon, Domain => $domain, Selector => $selector, KeyFile => $key_file,
	);
	eval { $signer->PRINT(octets($message)); $signer->CLOSE; 1 } or return { refused => "$@" };
	my (undef, $value) = split /:/, $signer->signature->as_string, 2;
	return { value => $value };
}

my $json = JSON::PP->new->canonical->ascii;
my %verbs = (verify => \&verify_message, sign => \&sign_message);
$| = 1;
while (my $line = <STDIN>) {
	chomp $line;
	my ($verb, @items) = split /\t/, $line;
	print $json->encode($verbs{$verb}->(@items)), "\n";
}
