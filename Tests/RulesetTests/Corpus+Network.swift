extension Corpus {
  /// Link and network headers, and `ct` where there is none.
  static let networkTexts = #"""
    ct state new
    ct mark set 5
    notrack
    ct count 5
    ct count over 5 drop
    ct zone set 5
    ct label set 5
    ct event set new
    ct original saddr 1.2.3.4
    ct original packets > 5
    ct id 5
    ct timeout set "x"
    ether saddr 0:0:0:0:0:0
    ether saddr 00:11:22:33:44:55-00:11:22:33:44:66
    ether saddr > 00:11:22:33:44:55
    ether saddr 00:11:22:33:44:55/24
    ether saddr & ff:00:00:00:00:00 == 00:00:00:00:00:00
    ether saddr { 00:11:22:33:44:55-00:11:22:33:44:66 }
    ether daddr ff:ff:ff:ff:ff:ff
    ether saddr 00:11:22:33:44
    ether saddr 00:11:22:33:44:55:66
    ether saddr 0x1122
    ether saddr "00:11:22:33:44:55"
    ether saddr 001122334455
    ether type 0x0800 tcp dport 22
    ether type ip6 tcp dport 22
    ether type ip icmp type echo-request
    ether type ip6 icmp type echo-request
    ether type arp arp operation request
    ether type 8021q
    ether type 8021ad
    ether type != ip
    ether type 1-5
    ether type vlan ip saddr 1.2.3.4
    ether type arp ip saddr 1.2.3.4
    ether type { ip, ip6 } tcp dport 22
    ether type ip ip6 saddr ::1
    vlan id 4094
    vlan id 4095
    vlan id 4096
    vlan id 1-100
    vlan id != 5
    vlan id { 1, 2, 4094 }
    vlan id 1 vlan id set 2
    vlan id 5 tcp dport 22
    vlan id 5 udp dport 53
    vlan id 5 icmp type echo-request
    vlan id 5 ip6 saddr ::1
    vlan id 5 arp operation request
    vlan cfi 1
    vlan dei 0
    vlan pcp 7
    vlan pcp 8
    vlan type ip
    vlan type arp
    vlan type 8021q vlan id 5
    vlan type ip ip saddr 1.2.3.4
    vlan id 5 vlan pcp 6
    vlan id . vlan pcp { 5 . 6 }
    vlan id 5 ip saddr 1.2.3.4 tcp dport 22
    ether saddr 00:11:22:33:44:55 vlan id 5
    ether type 8021ad vlan id 5
    ether type 8021ad vlan id 1 vlan type 8021q vlan id 2
    vlan id vmap { 1 : accept, 2 : drop }
    arp htype 1
    arp ptype ip
    arp operation request
    arp saddr ip 1.2.3.4
    ip version 4
    ip version != 4
    ip version { 4, 6 }
    ip hdrlength 5-15
    ip hdrlength > 5
    ip hdrlength 16
    ip dscp cs0
    ip dscp cs1-cs2
    ip dscp 0x3f
    ip dscp 64
    ip dscp { cs1, cs2, af11-af13 }
    ip dscp va
    ip dscp lephb
    ip dscp le
    ip dscp df
    ip dscp be
    ip dscp voice-admit
    ip dscp vmap { cs1 : accept, ef : drop }
    ip dscp != { ef, 0x10 }
    ip dscp > cs1
    ip ecn not-ect
    ip ecn ect0
    ip ecn ect1
    ip ecn ce
    ip ecn 3
    ip ecn 4
    ip ecn != ce
    ip ecn { ce, ect0 }
    ip dscp . ip ecn { ef . ce }
    ip length 0-65535
    ip length 65536
    ip length { 100, 200-300 }
    ip id 0xffff
    ip id != 5
    ip frag-off & 0x2000 == 0x2000
    ip frag-off != 0
    ip frag-off 0x2000
    ip frag-off & 0x3fff != 0
    ip frag-off > 5
    ip ttl 0
    ip ttl 256
    ip ttl 1-10
    ip ttl != 64
    ip ttl { 64 }
    ip protocol 0
    ip protocol 255
    ip protocol 256
    ip protocol "tcp"
    ip protocol != { tcp, udp }
    ip protocol icmp icmp code 5
    ip protocol 17 udp dport 53
    ip protocol udp udp dport { 53, 67 }
    ip protocol ah ah spi 5
    ip protocol esp esp spi 5
    ip protocol tcp-udp
    ip protocol 6-17
    ip protocol < 10
    ip protocol vmap { tcp : accept, udp : drop }
    ip protocol . tcp dport { tcp . 22 }
    ip checksum 0x1234
    ip checksum != 5
    ip saddr 1.2.3.4 ip saddr 1.2.3.5
    ip saddr 0.0.0.0
    ip saddr 255.255.255.255
    ip saddr 1.2.3.4/0
    ip saddr 1.2.3.4/31
    ip saddr 1.2.3.4/33
    ip saddr 1.2.3.4/24-1.2.4.0
    ip saddr 1.2.3.4-5
    ip saddr 1.2.3
    ip saddr 1.2
    ip saddr 1
    ip saddr 0x01020304
    ip saddr 16909060
    ip saddr 1.2.3.4.5
    ip saddr 01.02.03.04
    ip saddr 1.2.3.4 - 1.2.3.9
    ip saddr 1.2.3.4-1.2.3.9 ip daddr != 5.6.7.8-5.6.7.9
    ip saddr != 10.0.0.0/8 ip daddr 10.0.0.0/8
    ip saddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 }
    ip saddr != { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 }
    ip saddr { 10.0.0.1-10.0.0.9, 10.0.0.10 }
    ip saddr { 10.0.0.0/8, 10.0.0.0/16 }
    ip saddr { 0.0.0.0/0 }
    ip saddr { 0.0.0.0/0, 1.2.3.4 }
    ip saddr { 1.2.3.4/32 }
    ip saddr { }
    ip saddr {1.2.3.4}
    ip saddr {1.2.3.4,5.6.7.8}
    ip saddr . ip daddr != { 1.2.3.4 . 5.6.7.8 }
    ip saddr . ip daddr . ip protocol . tcp sport . tcp dport { 1.2.3.4 . 5.6.7.8 . tcp . 1 . 2 }
    ip saddr . ip protocol { 1.2.3.4 . tcp, 10.0.0.0/8 . udp }
    ip saddr . iifname { 1.2.3.4 . "lo" }
    ip saddr . iifname { 10.0.0.0/8 . "lo" }
    ip saddr . iifname { 10.0.0.0/8 . "lo*" }
    ip saddr . ether saddr { 1.2.3.4 . 00:11:22:33:44:55 }
    ip saddr . meta mark { 1.2.3.4 . 0x5 }
    ip saddr . ct state { 1.2.3.4 . new }
    ip saddr . tcp dport { 1.2.3.4 . ssh, 10.0.0.0/8 . 1-1023 }
    ip saddr & 255.255.0.0 . tcp dport { 1.2.0.0 . 22 }
    ip saddr . tcp dport & 0xff { 1.2.3.4 . 22 }
    ip saddr . tcp dport . meta mark vmap { 1.2.3.4 . 22 . 5 : accept }
    ip saddr vmap { 10.0.0.0/8 : jump other, 11.0.0.0-11.1.2.3 : drop, 12.0.0.1 : return }
    ip saddr vmap { * : drop }
    ip saddr vmap { 1.2.3.4 : accept, * : drop }
    ip saddr . tcp dport vmap { 1.2.3.4 . 22 : accept, * : drop }
    ip saddr { 1.2.3.4, * }
    ip saddr *
    ip saddr 1.2.3.4 ip saddr . ip daddr { 1.2.3.4 . 5.6.7.8 }
    ip saddr @hosts ip daddr != @hosts
    ip saddr @hosts tcp dport @ports accept
    ip saddr . tcp dport @pairs
    ip saddr . tcp dport vmap @verdicts
    ip saddr eq 1.2.3.4
    ip saddr ne 1.2.3.4
    ip saddr not 1.2.3.4
    ip saddr == { 1.2.3.4, 5.6.7.8 }
    ip saddr == 10.0.0.0/8
    ip saddr == 1.2.3.4-1.2.3.9
    ip6 saddr ::
    ip6 saddr ::/0
    ip6 saddr ::1/128
    ip6 saddr 2001:db8::/32
    ip6 saddr != 2001:db8::/32
    ip6 saddr 2001:db8::1-2001:db8::ffff
    ip6 saddr { 2001:db8::/32, fe80::/10, ::1 }
    ip6 saddr 2001:DB8::1
    ip6 saddr 2001:0db8:0000::0001
    ip6 saddr ::ffff:10.0.0.1
    ip6 saddr [::1]
    ip6 saddr ::1/129
    ip6 saddr fe80::1%lo
    ip6 saddr 1::2::3
    ip6 saddr 12345::
    ip6 saddr & ffff:ffff:: == 2001:db8::
    ip6 saddr . ip6 daddr { ::1 . ::2, 2001:db8::/32 . ::3 }
    ip6 saddr > ::5
    ip6 version 6
    ip6 dscp cs1
    ip6 dscp != { cs1, ef }
    ip6 dscp vmap { cs1 : accept }
    ip6 ecn ect1
    ip6 flowlabel 0xfffff
    ip6 flowlabel 0x100000
    ip6 flowlabel != 5
    ip6 flowlabel 5-100
    ip6 flowlabel { 1, 5-100 }
    ip6 length 5-100
    ip6 length { 1, 5-100 }
    ip6 nexthdr 6
    ip6 nexthdr != udp
    ip6 nexthdr { tcp, udp, icmpv6 }
    ip6 nexthdr 0-44
    ip6 nexthdr icmpv6
    ip6 nexthdr vmap { tcp : accept, icmpv6 : drop }
    ip6 hoplimit 255
    ip6 hoplimit { 1, 5-10 }
    ip6 hoplimit > 5
    ip6 nexthdr icmp
    ip6 nexthdr icmpv6 icmpv6 type echo-request
    meta l4proto { tcp, udp } tcp dport 5
    meta l4proto { udp, tcp } udp dport 5
    meta l4proto != { udp, tcp } udp dport 5
    meta l4proto { 25, tcp } tcp dport 5
    meta l4proto 25 tcp dport 5
    meta l4proto { tcp, 25-26 } udp dport 5
    meta l4proto { tcp } udp dport 5
    ip protocol { udp, tcp } tcp dport 5
    ip protocol { 25, 26 } tcp dport 5
    ip protocol 25 tcp dport 5
    ip6 nexthdr { tcp, udp } tcp dport 5
    meta l4proto { tcp, udp } th dport 53
    meta nfproto { ipv4, ipv6 } ip saddr 1.2.3.4
    ether type { ip, ip6 } ip saddr 1.2.3.4
    icmp type { echo-reply, echo-request } icmp id 5
    meta l4proto { tcp, udp } reject with tcp reset
    meta l4proto { udp, tcp } reject with tcp reset
    meta l4proto tcp meta l4proto { tcp, udp } tcp dport 5
    """#
}
