extension Corpus {
  /// Transport headers, raw places, extension headers.
  static let transportTexts = #"""
    tcp dport 22 tcp sport 1024-65535
    tcp dport { 22 } tcp sport { 1024-65535 }
    tcp dport {22,80} accept
    tcp dport {22-25,80}
    tcp dport != {22-25,80}
    tcp dport 22, 80
    tcp dport "22"
    tcp dport "ssh"
    tcp dport "ssh"-"http"
    tcp dport ssh-http
    tcp dport { ssh-http, 443 }
    tcp dport telnet
    tcp dport nosuch
    tcp dport 0-65535
    tcp dport 0x16-0x20
    tcp dport 65536
    tcp dport -1
    tcp dport >= 1024 counter
    tcp dport == 22
    tcp dport eq 22
    tcp dport neq 22
    tcp dport gte 22
    tcp dport =! 22
    tcp dport <> 22
    tcp dport > { 22 }
    tcp dport < ssh
    tcp sport . tcp dport { 1 . 2, 3 . 4 }
    tcp sport . tcp dport { 1-5 . 2, 3 . 4-6 }
    tcp sport . tcp dport { 1-5 . 2, 2-7 . 2 }
    tcp dport . udp dport { 1 . 2 }
    tcp dport . ip saddr . iifname vmap { 22 . 1.2.3.4 . "lo" : accept }
    tcp dport vmap { 22 : accept, ssh : accept }
    tcp dport vmap { 22 : accept, ssh : drop }
    tcp dport vmap { 22 : jump other, 23 : goto other, 24 : continue, 25 : return }
    tcp dport vmap { 22 : queue }
    tcp dport vmap { 22 : reject }
    tcp dport vmap { * : accept }
    tcp dport vmap { 22-30 : accept, 25-28 : accept }
    tcp dport vmap { 0-1023 : drop, 1024-65535 : accept }
    tcp dport vmap @verdicts counter
    tcp dport vmap @verdicts accept
    tcp dport vmap { 22 : accept } drop
    tcp dport map { 22 : 80 }
    tcp dport @verdicts
    tcp dport @marks
    ip saddr @seen
    tcp sequence 0-4294967295
    tcp sequence > 5
    tcp ackseq { 1, 2-5 }
    tcp doff 15
    tcp doff 16
    tcp doff > 5
    tcp doff { 5, 6-10 }
    tcp reserved 15
    tcp flags { fin, syn, rst, psh, ack, urg, ecn, cwr }
    tcp flags != { fin, urg, ecn, cwr } drop
    tcp flags cwr
    tcp flags != cwr
    tcp flags == syn
    tcp flags fin,syn,rst,psh,ack,urg,ecn,cwr
    tcp flags & (fin | syn | rst | ack) == syn
    tcp flags & (fin|syn|rst|ack) != syn counter
    tcp flags & ( fin | syn ) == ( fin | syn )
    tcp flags & (fin | syn) == fin | syn
    tcp flags & (fin | syn) == fin,syn
    tcp flags & fin == fin,syn
    tcp flags & (fin) == fin
    tcp flags & syn == 0x2
    tcp flags & 0x17 == 0x2
    tcp flags 2 / 0x17
    tcp flags syn / 0x17
    tcp flags syn / fin,syn,rst,ack
    tcp flags == syn / fin,syn,rst,ack
    tcp flags != syn / fin,syn,rst,ack
    tcp flags ! syn / fin
    tcp flags < syn
    tcp flags syn / syn
    tcp flags { syn, syn | ack }
    tcp flags { syn,ack } accept
    tcp flags syn | ack
    tcp flags (syn | ack)
    tcp flags == (syn | ack)
    tcp flags == syn | ack
    tcp flags syn & ack
    tcp flags 0xff
    tcp flags 256
    tcp flags ! syn
    tcp flags ! fin,rst
    tcp flags vmap { fin : drop, syn | ack : accept }
    tcp flags . tcp dport { syn . 22, syn | ack . 80 }
    tcp flags & syn vmap { syn : accept }
    tcp flags & (fin | syn | rst | psh | ack | urg) == fin | psh | urg
    tcp flags & (syn | fin) == (syn | fin) drop
    tcp window 0x100-0x200
    tcp checksum { 1, 2 }
    tcp urgptr > 0
    tcp length 5
    udp dport 53 udp sport 53
    udp length 8-100
    udp length < 8
    udp checksum != 0
    udp dport { 53, 67-69 } accept
    udp flags 5
    udplite sport 5 udplite checksum 5
    udplite csumcov 8-20
    sctp sport 5 sctp dport 6
    sctp vtag { 1, 2-3 }
    sctp checksum 5
    sctp chunk data exists
    sctp chunk init missing
    sctp chunk data flags 5
    sctp chunk sack cum-tsn-ack 5
    sctp chunk 5 exists
    dccp sport 5-6
    dccp type request
    dccp type { request, response }
    dccp type != data
    dccp option 5 exists
    th sport 5 th dport 6
    th dport { 53, 80 }
    th dport ssh
    meta l4proto { tcp, udp } th dport 53
    meta l4proto { tcp, udp } th dport { 53, 80-90 } accept
    meta l4proto tcp th dport 22
    meta l4proto tcp udp dport 22
    meta l4proto udp th flags 5
    meta l4proto . th dport vmap { tcp . 22 : accept, udp . 53 : drop }
    ah hdrlength 1-5
    ah spi { 1, 2-5 }
    ah sequence > 5
    ah sequence 5
    ah reserved 0
    ah nexthdr != tcp
    esp spi 100-200
    esp spi { 1, 2 }
    esp sequence 22
    esp sequence != 22-24
    comp cpi ssh
    comp cpi 5-6
    comp flags 0x0-0xff
    comp nexthdr != esp
    icmp type echo-reply
    icmp type destination-unreachable
    icmp type source-quench
    icmp type redirect
    icmp type router-advertisement
    icmp type router-solicitation
    icmp type time-exceeded
    icmp type parameter-problem
    icmp type timestamp-request
    icmp type info-request
    icmp type address-mask-request
    icmp type address-mask-reply
    icmp type ping
    icmp type 255
    icmp type 256
    icmp type 0-8
    icmp type echo-request-echo-reply
    icmp type "echo-request"
    icmp type != { echo-reply, echo-request }
    icmp type vmap { echo-request : accept, redirect : drop }
    icmp type . icmp code { destination-unreachable . 4, echo-request . 0 }
    icmp type . icmp code { 3 . net-unreachable, 3 . 5 }
    icmp type echo-request icmp code 0
    icmp type echo-request limit rate 5/second accept
    icmp code net-unreachable
    icmp code host-unreachable
    icmp code prot-unreachable
    icmp code port-unreachable
    icmp code frag-needed
    icmp code net-prohibited
    icmp code host-prohibited
    icmp code admin-prohibited
    icmp code 0-5
    icmp code != 5
    icmp checksum != 5
    icmp id 0x1234
    icmp id { 1, 2-5 }
    icmp id 5 icmp type echo-request
    icmp id 5 icmp type echo-reply
    icmp sequence > 5
    icmp type echo-reply icmp id 5 icmp sequence 6
    icmp type { echo-reply, echo-request } icmp id 5
    icmp type { 0, 8 } icmp sequence 5
    icmp type redirect icmp gateway 0x01020304
    icmp gateway 1.2.3.4
    icmp gateway > 5
    icmp mtu 1500
    icmp mtu 100-1500
    icmp type destination-unreachable icmp mtu 1500
    icmp type destination-unreachable icmp code frag-needed icmp mtu 1500
    icmp type echo-request icmp mtu 1500
    icmp mtu 5 icmp id 6
    icmp code 5 icmp mtu 5
    icmpv6 type destination-unreachable
    icmpv6 type packet-too-big
    icmpv6 type time-exceeded
    icmpv6 type parameter-problem
    icmpv6 type mld-listener-query
    icmpv6 type mld-listener-report
    icmpv6 type mld-listener-done
    icmpv6 type mld-listener-reduction
    icmpv6 type nd-router-solicit
    icmpv6 type nd-redirect
    icmpv6 type router-renumbering
    icmpv6 type ind-neighbor-solicit
    icmpv6 type ind-neighbor-advert
    icmpv6 type mld2-listener-report
    icmpv6 type { echo-request, 128-130 }
    icmpv6 type 1-4
    icmpv6 type != echo-request
    icmpv6 code { no-route, admin-prohibited, addr-unreachable, port-unreachable, policy-fail, reject-route }
    icmpv6 code 1-4
    icmpv6 type . icmpv6 code { 1 . no-route }
    icmpv6 type packet-too-big icmpv6 mtu 1280
    icmpv6 mtu 1280-1500
    icmpv6 type parameter-problem icmpv6 parameter-problem 5
    icmpv6 parameter-problem 5
    icmpv6 param-problem 5
    icmpv6 id 5 icmpv6 sequence 6
    icmpv6 type echo-reply icmpv6 id 5
    icmpv6 type mld-listener-query icmpv6 max-delay 5
    icmpv6 max-delay 5-100
    icmpv6 taddr ::1
    icmpv6 daddr ::1
    icmpv6 type nd-neighbor-solicit icmpv6 taddr ::1
    igmp type membership-query
    igmp mrt 10
    igmp group 224.0.0.1
    igmp checksum 5
    icmpv6 type vmap { nd-neighbor-solicit : accept, nd-neighbor-advert : drop }
    icmp type echo-request icmpv6 type echo-request
    ip protocol icmpv6 icmpv6 type echo-request
    meta l4proto ipv6-icmp icmpv6 type echo-request
    meta l4proto { icmp, icmpv6 } accept
    meta l4proto icmpv6 icmpv6 type nd-router-advert
    meta l4proto icmp icmp type echo-request
    @ll,0,8 5
    @nh,0,8 0x45
    @nh,8,6 0x2e
    @nh,96,32 1.2.3.4
    @nh,160,128 0x0
    @th,0,16 53
    @th,0,16 ssh
    @th,16,16 { 53, 80 }
    @th,16,16 != 53
    @th,16,16 > 53
    @th,16,16 53-100
    @th,16,16 @ports
    @th,4,4 5
    @th,4,4 16
    @th,1,1 1
    @th,0,1 2
    @th,0,128 5
    @th,0,0 5
    @th,5000,8 5
    @th,2040,16 5
    @th,64,64 0x0102030405060708
    @ih,0,8 5
    @foo,0,8 5
    @th,16,16 . @th,0,16 { 5 . 6 }
    @th,16,16 vmap { 53 : accept }
    @th,16,16 set 5
    @nh,0,4 4
    @nh,4,4 5
    @nh,72,8 tcp
    tcp dport 22 @th,16,16 22
    udp dport 53 @th,64,16 5
    udp dport 53 @th,72,8 . @th,80,8 { 5 . 6 }
    frag nexthdr 6
    frag frag-off 0-100
    frag frag-off != 5
    frag reserved 255
    frag reserved2 3
    frag reserved2 4
    frag more-fragments 2
    frag id 1-5 frag more-fragments 1
    frag id . frag frag-off { 1 . 2 }
    hbh hdrlength 1-5
    hbh nexthdr { tcp, 0-5 }
    rt nexthdr tcp rt type 0
    rt seg-left 0-5
    dst hdrlength != 5
    dst nexthdr { esp, ah, comp }
    mh nexthdr 1 mh type 5
    mh type { 1, 2 }
    mh type binding-refresh-request
    mh checksum 5-6
    mh reserved { 1, 2-5 }
    exthdr hbh exists counter accept
    exthdr { hbh, frag } exists
    rt type 4
    srh last-entry 0
    """#
}
