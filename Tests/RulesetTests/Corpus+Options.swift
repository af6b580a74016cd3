extension Corpus {
  /// TCP options, extension headers, and words that are values of one type.
  static let optionTexts = #"""
    ip saddr localhost
    ip saddr { localhost, 1.2.3.4 }
    ip saddr != localhost
    ip saddr nosuch.example
    ip6 saddr localhost
    ip6 saddr ip6-localhost
    ip daddr localhost/8
    ip saddr tcp
    ip saddr "localhost"
    tcp option mss 5
    tcp option mss
    tcp option maxseg 1400
    tcp option 5
    tcp option 5 5
    tcp option sack 5
    tcp option sack0 5
    tcp option sack1 exists
    tcp option sack3 left 5
    tcp option timestamp 10
    tcp option window 2
    tcp option window 0
    tcp option window 1
    tcp option mss == 5
    tcp option mss != 5
    tcp option mss exists
    tcp option mss missing
    tcp option mss != exists
    tcp option mss { 5 }
    tcp option mss { exists, missing }
    tcp option mss 1-5
    tcp option mss length 4
    tcp option mss kind 2
    tcp option nop length 5
    tcp option eol length 5
    tcp option eol kind 0
    tcp option fastopen length 5
    tcp option md5sig length 5
    tcp option mptcp length 5
    tcp option mptcp subtype mp-capable
    tcp option mptcp 5
    tcp option 254 kind 5
    tcp option 2 length 5
    tcp option 2 size 5
    tcp option @2,16,16 5
    tcp option @2,16,16 { 5, 6 }
    tcp option @2,0,8 2
    tcp option @300,0,8 2
    tcp option 300 exists
    tcp option @34,20,8 0x0
    tcp option sack-perm kind 4
    tcp option sack-permitted exists
    tcp option sack left > 5
    tcp option sack right 5-9
    tcp option timestamp tsval . tcp dport { 5 . 6 }
    tcp option maxseg size set 1400
    tcp option maxseg size set rt mtu
    reset tcp option mss
    exthdr frag
    exthdr frag 1
    exthdr frag 5
    exthdr hbh 0
    exthdr hbh == exists
    exthdr hbh != exists
    exthdr hbh { exists }
    exthdr hbh exists accept
    exthdr ah exists
    exthdr esp exists
    exthdr rt0 exists
    exthdr srh exists
    exthdr rt2 exists
    exthdr 5 exists
    counter exthdr frag exists
    counter frag id 5
    counter exthdr frag missing counter
    ip6 nexthdr tcp exthdr frag exists
    meta nfproto ipv6 exthdr frag exists
    meta protocol ip6 exthdr frag exists
    ip6 saddr ::1 exthdr frag exists
    hbh nexthdr { tcp, udp }
    hbh nexthdr 5-9
    hbh nexthdr != tcp
    rt type { 0, 2 }
    rt type 0-5
    frag more-fragments 0
    frag frag-off 0x1234
    frag frag-off { 5, 6 }
    frag id != 5
    frag nexthdr . frag id { tcp . 5 }
    mh type 5
    mh hdrlength 5
    mh reserved 5
    mh type binding-error
    mh nexthdr != 59
    dst nexthdr tcp
    dst hdrlength > 5
    rt0 addr[1] ::1
    rt2 addr ::1
    srh last-entry 0
    srh flags 0
    srh tag 0
    srh sid[1] ::1
    ip option rr exists
    ip option ra value 5
    ip option lsrr type 1
    ip option ssrr ptr 1
    ip option foo exists
    ah reserved 5
    ah hdrlength { 5, 6 }
    esp spi 5-9
    comp flags 0x55
    meta mark tcp
    meta mark { tcp, udp }
    meta length tcp
    tcp dport tcp
    tcp dport udp
    tcp dport { tcp }
    udp length tcp
    ip saddr { tcp }
    ip ttl tcp
    ip ttl { tcp, udp }
    ip length udp
    ip id icmp
    ip protocol ip
    ip protocol { tcp, icmp, 47 }
    ip dscp tcp
    ip ecn tcp
    ct mark tcp
    ct mark { tcp, esp }
    ct zone tcp
    ct id tcp
    ct bytes tcp
    ct packets { tcp, udp }
    ct label tcp
    ct expiration tcp
    ct state tcp
    ct direction tcp
    meta mark set tcp
    ct mark set udp
    ct zone set tcp
    icmp type icmp
    icmp code tcp
    icmp id tcp
    iif tcp
    iifname tcp
    iifname { tcp, udp }
    iifname ip
    ether saddr tcp
    ether type tcp
    ether type arp
    vlan id tcp
    meta protocol tcp
    meta l4proto ip
    meta l4proto esp
    meta l4proto { ah, esp, comp }
    meta nfproto tcp
    tcp flags tcp
    tcp window tcp
    tcp dport != tcp
    tcp dport tcp-udp
    tcp dport icmp-udp
    ip ttl < udp
    tcp dport map { 22 : tcp }
    meta mark set tcp dport map { tcp : udp }
    tcp dport vmap { tcp : accept }
    """#
}
