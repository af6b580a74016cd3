extension Corpus {
  /// Sets and maps by name.
  static let setTexts = #"""
    set s { type ipv4_addr; elements = { 1.2.3.4, 1.2.3.5 } }
    set s { type ipv4_addr ; elements = { 1.2.3.4 } ; }
    set s { type ipv4_addr . inet_service . ifname; elements = { 1.2.3.4 . 22 . "lo" }; }
    set s { type ipv4_addr . inet_service . ifname; flags interval; elements = { 1.2.3.4 . 22 . "lo*" }; }
    set s { type ipv4_addr . ipv6_addr; elements = { 1.2.3.4 . ::1 }; }
    set s { type ipv6_addr; flags interval; elements = { ::/0 }; }
    set s { type ipv6_addr; flags interval; elements = { ::1-::5, ::6 }; }
    set s { type ipv6_addr; flags interval; auto-merge; elements = { ::1-::5, ::6, ::7/128 }; }
    set s { type ipv4_addr; flags interval; auto-merge; elements = { 0.0.0.0/1, 128.0.0.0/1 }; }
    set s { type ipv4_addr; flags interval; elements = { 0.0.0.0/1, 128.0.0.0/1 }; }
    set s { type ipv4_addr; flags interval; elements = { 255.255.255.255 }; }
    set s { type ipv4_addr; flags interval; elements = { 0.0.0.0 }; }
    set s { type ipv4_addr; flags interval; elements = { 1.2.3.4-1.2.3.4 }; }
    set s { type ipv4_addr; flags interval; elements = { 1.2.3.9-1.2.3.4 }; }
    set s { type inet_service; flags interval; elements = { 0-65535 }; }
    set s { type inet_service; flags interval; elements = { ssh-http }; }
    set s { type inet_service; elements = { 22, ssh }; }
    set s { type inet_service; elements = { tcp }; }
    set s { type inet_proto; elements = { tcp, 6 }; }
    set s { type inet_proto; flags interval; elements = { 1-5, tcp }; }
    set s { type inet_proto . inet_service; elements = { tcp . 22, udp . 53 }; }
    set s { type mark; flags interval; elements = { 0x0-0xff, 0x100/24 }; }
    set s { type mark . mark; elements = { 1 . 2 }; }
    set s { type ether_addr; flags interval; elements = { 00:11:22:00:00:00-00:11:22:ff:ff:ff }; }
    set s { type ether_addr; flags interval; elements = { 00:11:22:00:00:00/24 }; }
    set s { type ether_addr . ipv4_addr; elements = { 00:11:22:33:44:55 . 1.2.3.4 }; }
    set s { type ether_type; elements = { ip, arp, 0x88cc }; }
    set s { type ifname . ifname; elements = { "lo" . "eth0" }; }
    set s { type ifname; elements = { "eth*" }; }
    set s { type ifname; flags interval; elements = { "eth*", "eth0" }; }
    set s { type ifname; elements = { lo }; }
    set s { type iface_index; elements = { "lo", 5 }; }
    set s { type iface_index . ipv4_addr; elements = { "lo" . 1.2.3.4 }; }
    set s { type icmp_type; elements = { echo-request, 3 }; }
    set s { type icmp_type . icmp_code; elements = { echo-request . 0 }; }
    set s { type icmp_code; elements = { net-unreachable }; }
    set s { type icmpv6_code; elements = { no-route }; }
    set s { type icmpx_code; elements = { no-route }; }
    set s { type ct_state; elements = { new | established }; }
    set s { type ct_state . inet_service; elements = { new . 22 }; }
    set s { type ct_label; elements = { 5, 6 }; }
    set s { type ct_event; elements = { new, destroy }; }
    set s { type ct_dir . mark; elements = { reply . 5 }; }
    set s { type pkt_type; elements = { host, other }; }
    set s { type nf_proto; elements = { ipv4 }; }
    set s { type tcp_flag . inet_service; elements = { syn . 22, syn | ack . 23 }; }
    set s { type dscp; flags interval; elements = { cs1-cs2 }; }
    set s { type ecn; elements = { ce, 1 }; }
    set s { type boolean; elements = { exists }; }
    set s { type boolean; elements = { 1, 0 }; }
    set s { type time; flags interval; elements = { 5s-1h }; }
    set s { type time; elements = { 5d3h }; }
    set s { type string; }
    set s { type verdict; }
    set s { type invalid; }
    set s { type ll_addr; }
    set s { type devgroup; }
    set s { type uid; elements = { 0 }; }
    set s { type gid; }
    set s { type realm; }
    set s { type classid; }
    set s { type cgroupsv2; }
    set s { type fib_addrtype; elements = { local }; }
    set s { type arp_op; elements = { request }; }
    set s { type mh_type; }
    set s { type igmp_type; }
    set s { type dccp_pkttype; }
    set s { type iface_type; }
    set s { type day; }
    set s { type hour; }
    set s { type ipv4_addr, inet_service; }
    set s { type ipv4_addr . ; }
    set s { type ipv4_addr . verdict; }
    set s { type; }
    set s { type ipv4_addr; type ipv6_addr; }
    set s { type ipv4_addr; flags interval, timeout; }
    set s { type ipv4_addr; flags interval timeout; }
    set s { type ipv4_addr; flags interval; flags timeout; }
    set s { type ipv4_addr; flags; }
    set s { type ipv4_addr; timeout 1h; flags timeout; }
    set s { type ipv4_addr; timeout 1d2h3m4s5ms; }
    set s { type ipv4_addr; timeout 100ms; }
    set s { type ipv4_addr; timeout 90s; }
    set s { type ipv4_addr; timeout "1h"; }
    set s { type ipv4_addr; timeout 1w; }
    set s { type ipv4_addr; timeout 1y; }
    set s { type ipv4_addr; timeout foo; }
    set s { type ipv4_addr; timeout; }
    set s { type ipv4_addr; timeout 49d; }
    set s { type ipv4_addr; timeout 1000d; }
    set s { type ipv4_addr; flags timeout; gc-interval 1m; }
    set s { type ipv4_addr; gc-interval 1m; }
    set s { type ipv4_addr; flags timeout; gc-interval 5; }
    set s { type ipv4_addr; size 0; }
    set s { type ipv4_addr; size 1; elements = { 1.2.3.4, 1.2.3.5 }; }
    set s { type ipv4_addr; size 2; flags interval; elements = { 1.2.3.4, 1.2.3.5, 1.2.3.8/30 }; }
    set s { type ipv4_addr; size 4294967296; }
    set s { type ipv4_addr; size foo; }
    set s { type ipv4_addr; policy foo; }
    set s { type ipv4_addr; policy; }
    set s { type ipv4_addr; comment hello; }
    set s { type ipv4_addr; comment "a b c"; }
    set s { type ipv4_addr; comment; }
    set s { type ipv4_addr; comment "x"; comment "y"; }
    set s { type ipv4_addr; auto-merge; }
    set s { type ipv4_addr; auto-merge; elements = { 1.2.3.4 }; }
    set s { type ipv4_addr; elements = { 1.2.3.4 comment "hello world" }; }
    set s { type ipv4_addr; elements = { 1.2.3.4 comment hello }; }
    set s { type ipv4_addr; elements = { 1.2.3.4 timeout 5s }; }
    set s { type ipv4_addr; flags timeout; elements = { 1.2.3.4 expires 5s }; }
    set s { type ipv4_addr; elements = { 1.2.3.4 }; elements = { 1.2.3.5 }; }
    set s { type ipv4_addr; elements = 1.2.3.4; }
    set s { type ipv4_addr; elements { 1.2.3.4 }; }
    set s { type ipv4_addr; elements = { }; }
    set s { type ipv4_addr; elements = { 1.2.3.4,, 1.2.3.5 }; }
    set s { type ipv4_addr; elements = { 1.2.3.4 1.2.3.5 }; }
    set s { elements = { 1.2.3.4 }; type ipv4_addr; }
    set s { typeof ip saddr; flags interval; elements = { 10.0.0.0/8 }; }
    set s { typeof ip saddr . tcp dport . iifname; elements = { 1.2.3.4 . 22 . "lo" }; }
    set s { typeof meta mark; elements = { 0x5 }; }
    set s { typeof mark; elements = { 0x5 }; }
    set s { typeof iif; elements = { "lo" }; }
    set s { typeof ct mark . ct state; elements = { 5 . new }; }
    set s { typeof ct label; elements = { 5 }; }
    set s { typeof ct zone; elements = { 5 }; }
    set s { typeof ct original saddr; }
    set s { typeof ct original ip saddr . ct original proto-dst; elements = { 1.2.3.4 . 5 }; }
    set s { typeof ct original packets; elements = { 5 }; }
    set s { typeof ip6 flowlabel; elements = { 5 }; }
    set s { typeof ip dscp; elements = { cs1, ef }; }
    set s { typeof ip version; elements = { 4 }; }
    set s { typeof ip hdrlength; elements = { 5 }; }
    set s { typeof ip frag-off; elements = { 5 }; }
    set s { typeof ip protocol . th dport; elements = { tcp . 22 }; }
    set s { typeof tcp flags; elements = { syn, syn | ack }; }
    set s { typeof tcp doff; elements = { 5 }; }
    set s { typeof icmp type . icmp code; elements = { echo-request . 0 }; }
    set s { typeof icmpv6 mtu; elements = { 5 }; }
    set s { typeof ether saddr . vlan id; elements = { 00:11:22:33:44:55 . 5 }; }
    set s { typeof vlan pcp; elements = { 5 }; }
    set s { typeof frag more-fragments; elements = { 1 }; }
    set s { typeof exthdr frag; elements = { exists }; }
    set s { typeof tcp option mss; elements = { exists }; }
    set s { typeof tcp option sack1 left; elements = { 5 }; }
    set s { typeof @th,0,16; elements = { 5 }; }
    set s { typeof @nh,96,32; elements = { 5 }; }
    set s { typeof ip saddr & 255.255.255.0; elements = { 1.2.3.0 }; }
    set s { typeof numgen inc mod 2; elements = { 1 }; }
    set s { typeof osf name; elements = { "Linux" }; }
    set s { typeof rt classid; }
    set s { typeof fib daddr type; }
    set s { typeof jhash ip saddr mod 2; }
    set s { typeof socket mark; }
    set s { typeof ip foo; }
    set s { typeof; }
    set s { typeof tcp; }
    set s { typeof 5; }
    set s { typeof ip saddr; type ipv4_addr; }
    set s { typeof ip saddr ; counter; elements = { 1.2.3.4 counter packets 1 bytes 2 }; }
    set s { type ipv4_addr; quota 5 mbytes; }
    set s { type ipv4_addr; limit rate over 5 mbytes/second burst 10 mbytes; }
    set s { type ipv4_addr; ct count over 5; }
    set s { type ipv4_addr; last; }
    set s { type ipv4_addr; counter packets 5 bytes 6; elements = { 1.2.3.4 }; }
    set s { type ipv4_addr; accept; }
    set s { type ipv4_addr; flags constant; }
    set ipv4_addr { type ipv4_addr; }
    set s-1 { type ipv4_addr; }
    set s_1.x { type ipv4_addr; }
    set s/x { type ipv4_addr; }
    set 1s { type ipv4_addr; }
    set "s" { type ipv4_addr; }
    set set { type ipv4_addr; }
    set element { type ipv4_addr; }
    set last { type ipv4_addr; }
    set never { type ipv4_addr; }
    set tcp { type ipv4_addr; }
    set host { type ipv4_addr; }
    set é { type ipv4_addr; }
    map m { type ipv4_addr : verdict; elements = { 1.2.3.4 : accept, 1.2.3.4 : accept }; }
    map m { type ipv4_addr : verdict; elements = { 1.2.3.4 : accept, 1.2.3.4 : drop }; }
    map m { type ipv4_addr : verdict; elements = { 1.2.3.4 : reject }; }
    map m { type ipv4_addr : verdict; elements = { * : accept }; }
    map m { type ipv4_addr : verdict; elements = { *:accept }; }
    map m { type ipv4_addr : verdict; flags interval; elements = { 1.2.3.0/24 : accept, 1.2.3.0/25 : drop }; }
    map m { type ipv4_addr . inet_service : verdict; elements = { 1.2.3.4 . 22 : accept, * : drop }; }
    map m { type ipv4_addr : ipv4_addr; elements = { 1.2.3.4 : 5.6.7.8 }; }
    map m { type ipv4_addr : ipv4_addr; elements = { 1.2.3.4 : 5.6.7.0/24 }; }
    map m { type ipv4_addr : interval ipv4_addr; elements = { 1.2.3.4 : 5.6.7.0/24 }; }
    map m { type ipv4_addr : ipv4_addr . inet_service; elements = { 1.2.3.4 : 5.6.7.8 . 80 }; }
    map m { type ipv4_addr : ipv4_addr . inet_service; elements = { 1.2.3.4 : 5.6.7.8 }; }
    map m { type ipv4_addr : ipv6_addr; elements = { 1.2.3.4 : ::1 }; }
    map m { type ipv4_addr : ifname; elements = { 1.2.3.4 : "lo" }; }
    map m { type ipv4_addr : iface_index; elements = { 1.2.3.4 : "lo" }; }
    map m { type ipv4_addr : ct_state; elements = { 1.2.3.4 : new | established }; }
    map m { type ipv4_addr : ct_label; elements = { 1.2.3.4 : 5 }; }
    map m { type ipv4_addr : mark; elements = { 1.2.3.4 : 0x5 comment "x" }; }
    map m { type ipv4_addr : mark; elements = { 1.2.3.4 comment "x" : 0x5 }; }
    map m { type ipv4_addr : mark; elements = { 1.2.3.4 : 0x1-0x5 }; }
    map m { type ipv4_addr : mark; elements = { 1.2.3.4 : 1 | 2 }; }
    map m { type ipv4_addr : mark; elements = { 1.2.3.4 : 0x100000000 }; }
    map m { type ipv4_addr : mark; elements = { 1.2.3.4 }; }
    map m { type ipv4_addr : mark; elements = { : 5 }; }
    map m { type ipv4_addr : mark; elements = { 1.2.3.4 : }; }
    map m { type ipv4_addr : quota; }
    map m { type ipv4_addr : counter; elements = { 1.2.3.4 : "x" }; }
    map m { type ipv4_addr : synproxy; }
    map m { type ipv4_addr : secmark; }
    map m { type ipv4_addr : ct helper; }
    map m { type ipv4_addr : integer; }
    map m { type ipv4_addr : verdict . mark; }
    map m { type ipv4_addr : mark : mark; }
    map m { type : mark; }
    map m { type ipv4_addr :: mark; }
    map m { typeof ip saddr : ct mark; elements = { 1.2.3.4 : 0x5 }; }
    map m { typeof ip saddr . tcp dport : ip daddr . udp dport; elements = { 1.2.3.4 . 22 : 5.6.7.8 . 80 }; }
    map m { typeof ip saddr : interval ip daddr; elements = { 1.2.3.4 : 5.6.7.0/24 }; }
    map m { typeof tcp dport : meta mark; flags interval; elements = { 1-5 : 1, 6 : 2 }; }
    map m { typeof ip saddr : ip dscp; elements = { 1.2.3.4 : ef }; }
    map m { typeof vlan id : meta mark; elements = { 5 : 6 }; }
    map m { typeof meta mark : vlan id; elements = { 5 : 6 }; }
    map m { typeof ip saddr; }
    map m { typeof ip saddr : ; }
    map m { type ipv4_addr : mark; timeout 5m; size 10; elements = { 1.2.3.4 timeout 1m : 5, 1.2.3.5 : 6 }; }
    map m { type ipv4_addr : mark; flags timeout; gc-interval 5m; }
    map m { type ipv4_addr : mark; policy memory; comment "x"; }
    map m { type ipv4_addr : mark; auto-merge; }
    map m { type ipv4_addr : mark; flags interval; auto-merge; elements = { 1.2.3.0/24 : 1, 1.2.3.0/25 : 1 }; }
    map m { type mark : ipv4_addr; elements = { 0x5 : 1.2.3.4, 6 : 1.2.3.5 }; }
    map m { type ct_state : verdict; elements = { new : accept, established | related : drop }; }
    map m { type tcp_flag : verdict; elements = { syn : accept }; }
    map m { type ifname : verdict; elements = { "lo" : accept }; }
    map m { type ifname : verdict; flags interval; elements = { "lo*" : accept }; }
    map m { type inet_proto : verdict; elements = { tcp : accept, udp : jump y }; }
    map m { type inet_proto : verdict; elements = { tcp : jump nosuch }; }
    map m { type inet_proto : verdict; elements = { tcp : jump m }; }
    map m { type inet_service : verdict; elements = { 22 : goto y, 23 : return, 24 : continue }; }
    map m { type inet_service : verdict; elements = $undefined; }
    """#
}
