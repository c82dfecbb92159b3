#!/usr/bin/python3
"""A small authoritative DNS server for tests, on 127.0.0.1, UDP and TCP.

    dns_server.py PORT RULES_FILE

Prints "ready" when it listens (PORT 0: "ready PORT", any free one). Reads RULES_FILE again when it has changed.
Each query becomes a line "udp|tcp NAME TYPE FLAGS" of RULES_FILE.log; FLAGS are of rd, ad, cd, do, or "-".

Rules, one per line; `#` and `;` begin a comment where an item would begin:

    NAME [TTL] TXT "STRING" ["STRING"...]   any length; strings above 255 octets are cut; \\DDD and \\" as in zone files
    NAME [TTL] CNAME TARGET
    NAME [TTL] DNAME TARGET   for all names below NAME
    NAME [TTL] NXDOMAIN       also the answer for names without a rule; TTL is that of the SOA record
    NAME [TTL] NODATA
    NAME NOSOA                its negative answer brings no SOA record
    NAME SERVFAIL | REFUSED
    NAME DROP                 no answer
    NAME DELAY SECONDS        before whatever else the name's rules say
    NAME TRUNC                over UDP always truncated
    NAME NOTCP                over TCP no answer (with TRUNC: none at all)
    NAME GARBAGE              twelve octets that are no DNS message
    NAME EXTRA                an RR of another type stands before the TXT record
    NAME SIGNED               a zone: answers at and below NAME carry DNSSEC signatures, denials are NODATA;
                              its trust anchor is written to RULES_FILE.anchor
    NAME BOGUS                the answer is altered after signing

NAME may begin with "*." and then stands for all names below that have no rule of their own.
"""

import asyncio
import os
import re
import sys

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec

TTL = 300
UDP_OCTETS_WITHOUT_EDNS = 512
VALID_SECONDS = 86400

# Kept over a re-read of the rules: a trust anchor once handed out stays good.
SIGNING_KEY = ec.generate_private_key(ec.SECP256R1())
DNSKEY = dns.dnssec.make_dnskey(SIGNING_KEY.public_key(), "ECDSAP256SHA256", flags=257)


class Rules:
    """What the file says: {name: {word: (ttl, arguments)}}; several TXT lines add up."""

    def __init__(self, path):
        self.path = path
        self.stamp = None
        self.names = {}

    def reread(self):
        status = os.stat(self.path)
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp == self.stamp:
            return
        self.stamp = stamp
        self.names = {}
        with open(self.path, encoding="latin-1") as lines:
            for line in lines:
                self.read(line)
        self.write_anchors()

    def read(self, line):
        if not line.strip() or line.lstrip()[0] in "#;":
            return
        name, *rest = line.split(None, 2)
        ttl = TTL
        if rest[0].isdigit():
            ttl = int(rest[0])
            rest = rest[1].split(None, 1)
        word, arguments = rest[0].upper(), rest[1].strip() if len(rest) > 1 else ""
        rules = self.names.setdefault(dns.name.from_text(name), {})
        if word == "TXT":
            rules.setdefault(word, (ttl, []))[1].append(txt(arguments))
        elif word in ("CNAME", "DNAME"):
            rules[word] = (ttl, dns.name.from_text(arguments))
        else:
            rules[word] = (ttl, arguments)

    def write_anchors(self):
        zones = [name for name, rules in self.names.items() if "SIGNED" in rules]
        if not zones:
            return
        with open(self.path + ".anchor", "w", encoding="ascii") as anchors:
            for zone in zones:
                anchors.write(f"{zone} 3600 IN DS {dns.dnssec.make_ds(zone, DNSKEY, 'SHA256')}\n")

    def of(self, name):
        if name in self.names:
            return self.names[name]
        parent = name
        while parent != dns.name.root:
            parent = parent.parent()
            wildcard = self.names.get(dns.name.Name((b"*",) + parent.labels))
            if wildcard:
                return wildcard
            above = self.names.get(parent, {})
            if "DNAME" in above:
                ttl, target = above["DNAME"]
                return {"CNAME": (ttl, name - parent + target)}
        return {}

    def zone_of(self, name):
        while True:
            if "SIGNED" in self.names.get(name, {}):
                return name
            if name == dns.name.root:
                return None
            name = name.parent()


def octet(match):
    """What a backslash and what follows it stand for."""
    text = match.group(1)
    return chr(int(text)) if text.isdigit() else text


def txt(arguments):
    """The text of a TXT record with every string cut to what a string may hold."""
    pieces = []
    for quoted in re.findall(r'"((?:[^"\\]|\\.)*)"', arguments):
        string = re.sub(r"\\(\d{3}|.)", octet, quoted)
        pieces += [string[i : i + 255] for i in range(0, len(string), 255)] or [""]
    return " ".join('"' + "".join(f"\\{ord(char):03d}" for char in piece) + '"' for piece in pieces)


def rrset(name, ttl, rrtype, *texts):
    return dns.rrset.from_text(name, ttl, "IN", rrtype, *texts)


def soa(zone, ttl):
    return rrset(zone, ttl, "SOA", f"ns.{zone} hostmaster.{zone} 1 3600 600 86400 {ttl}")


def signature(records, zone):
    key = dns.rrset.from_rdata(zone, TTL, DNSKEY)[0]
    rrsig = dns.dnssec.sign(records, SIGNING_KEY, zone, key, lifetime=VALID_SECONDS)
    return dns.rrset.from_rdata(records.name, records.ttl, rrsig)


class Answerer:
    def __init__(self, rules):
        self.rules = rules

    def answer(self, query):
        """A response message, or None for none."""
        question = query.question[0]
        response = dns.message.make_response(query, recursion_available=True)
        response.flags |= dns.flags.AA
        rules = self.rules.of(question.name)
        if "SERVFAIL" in rules or "REFUSED" in rules:
            response.set_rcode(dns.rcode.SERVFAIL if "SERVFAIL" in rules else dns.rcode.REFUSED)
            return response
        self.fill(response, question.name, question.rdtype)
        return response

    def fill(self, response, name, rdtype):
        zone = self.rules.zone_of(name)
        rules = self.rules.of(name)
        if rdtype == dns.rdatatype.DNSKEY and name == zone:
            self.add(response.answer, dns.rrset.from_rdata(name, TTL, DNSKEY), zone, {})
        elif "CNAME" in rules:
            ttl, target = rules["CNAME"]
            self.add(response.answer, rrset(name, ttl, "CNAME", str(target)), zone, rules)
            if not any(records.name == target for records in response.answer):  # a loop
                self.fill(response, target, rdtype)
        elif "TXT" in rules and rdtype == dns.rdatatype.TXT:
            ttl, texts = rules["TXT"]
            if "EXTRA" in rules:
                self.add(response.answer, rrset(name, ttl, "SSHFP", "1 1 " + "00" * 20), zone, rules)
            self.add(response.answer, rrset(name, ttl, "TXT", *texts), zone, rules)
        else:
            self.deny(response, name, zone, rules)

    def add(self, section, records, zone, rules):
        signed = signature(records, zone) if zone else None
        if "BOGUS" in rules and records.rdtype == dns.rdatatype.TXT:
            records = rrset(records.name, records.ttl, "TXT", '"v=DKIM1; p=Zm9yZ2Vk"')
        section.append(records)
        if signed:
            section.append(signed)

    def deny(self, response, name, zone, rules):
        ttl = rules.get("NXDOMAIN", rules.get("NODATA", (TTL,)))[0]
        exists = "NODATA" in rules or "TXT" in rules or zone
        if not exists:
            response.set_rcode(dns.rcode.NXDOMAIN)
        if "NOSOA" not in rules:
            self.add(response.authority, soa(zone or name.parent(), ttl), zone, {})
        if zone:
            # The name owns nothing but this proof: a denial that needs no sorted zone (RFC 4470's idea).
            nsec = rrset(name, ttl, "NSEC", f"\\000.{name} RRSIG NSEC")
            self.add(response.authority, nsec, zone, {})


class Server:
    def __init__(self, rules_path):
        self.rules = Rules(rules_path)
        self.rules.reread()
        self.answerer = Answerer(self.rules)
        self.log = open(rules_path + ".log", "a", encoding="ascii", buffering=1)

    def note(self, transport, query):
        flags = [word for word in ("RD", "AD", "CD") if query.flags & dns.flags.Flag[word]]
        if query.ednsflags & dns.flags.DO:
            flags.append("DO")
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        words = (transport, name, dns.rdatatype.to_text(question.rdtype), ",".join(flags).lower() or "-")
        self.log.write(" ".join(words) + "\n")

    def octets(self, transport, query, rules):
        if "GARBAGE" in rules:
            return b"\x00garbage \xff\xff\xff"
        response = self.answerer.answer(query)
        if transport == "tcp":
            return response.to_wire(max_size=65535)
        room = max(query.payload, UDP_OCTETS_WITHOUT_EDNS)
        octets = response.to_wire(max_size=65535)
        if len(octets) <= room and "TRUNC" not in rules:
            return octets
        short = dns.message.make_response(query, recursion_available=True)
        short.flags |= dns.flags.TC
        return short.to_wire()

    async def respond(self, transport, wire):
        """What to send back; None for nothing."""
        self.rules.reread()
        query = dns.message.from_wire(wire)
        self.note(transport, query)
        rules = self.rules.of(query.question[0].name)
        if "DELAY" in rules:
            await asyncio.sleep(float(rules["DELAY"][1]))
        if "DROP" in rules or ("NOTCP" in rules and transport == "tcp"):
            return None
        return self.octets(transport, query, rules)


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server):
        self.server = server
        self.transport = None
        self.tasks = set()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        task = asyncio.ensure_future(self.respond(data, addr))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def respond(self, data, addr):
        octets = await self.server.respond("udp", data)
        if octets is not None:
            self.transport.sendto(octets, addr)


async def serve_stream(server, reader, writer):
    try:
        while True:
            length = int.from_bytes(await reader.readexactly(2), "big")
            octets = await server.respond("tcp", await reader.readexactly(length))
            if octets is None:
                break
            writer.write(len(octets).to_bytes(2, "big") + octets)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def main():
    if len(sys.argv) != 3:
        sys.exit("wanted: dns_server.py PORT RULES_FILE")
    server = Server(sys.argv[2])
    streams = await asyncio.start_server(
        lambda reader, writer: serve_stream(server, reader, writer), "127.0.0.1", int(sys.argv[1])
    )
    port = streams.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Datagrams(server), ("127.0.0.1", port))
    print("ready" if sys.argv[1] != "0" else f"ready {port}", flush=True)
    await streams.serve_forever()


asyncio.run(main())
