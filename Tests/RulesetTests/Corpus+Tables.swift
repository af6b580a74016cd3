extension Corpus {
  static let namedSets = """
    set s { type ipv4_addr; }
    set s { type ipv4_addr; elements = { 1.2.3.4 }; }
    set s { type ipv4_addr; elements = { 1.2.3.4, 1.2.3.5, }; }
    set s { type ipv4_addr; elements = { 1.2.3.4, 1.2.3.4 }; }
    set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 1.2.3.4, 5.5.5.5-6.6.6.6 }; }
    set s { type ipv4_addr; flags interval; auto-merge; elements = { 1.0.0.0/8, 1.2.3.4, 5.5.5.5-6.6.6.6 }; }
    set s { type ipv4_addr; flags interval; elements = { 1.0.0.0/8, 1.0.0.0/8 }; }
    set s { type inet_service; flags interval; elements = { 1-5, 6, 7-8 }; }
    set s { type inet_service; flags interval; auto-merge; elements = { 1-5, 6, 7-8, 20 }; }
    set s { type ipv4_addr; flags constant; elements = { 1.2.3.4 }; }
    set s { type ipv4_addr; flags constant,interval; elements = { 1.2.3.0/24 }; }
    set s { type ipv4_addr; flags timeout; }
    set s { type ipv4_addr; timeout 1h30m; elements = { 1.2.3.4 timeout 5m, 1.2.3.5 }; }
    set s { type ipv4_addr; timeout 30s; gc-interval 10s; }
    set s { type ipv4_addr; flags timeout; elements = { 1.2.3.4 timeout 5m comment "x" }; }
    set s { type ipv4_addr; flags dynamic; size 100; }
    set s { type ipv4_addr; flags dynamic,timeout; timeout 1d; size 65535; }
    set s { type ipv4_addr; size 5; elements = { 1.2.3.4 }; }
    set s { type ipv4_addr; policy memory; }
    set s { type ipv4_addr; policy performance; }
    set s { type ipv4_addr; comment "hello"; }
    set s { type ipv4_addr; counter; }
    set s { type ipv4_addr; counter; elements = { 1.2.3.4 counter packets 5 bytes 6, 1.2.3.5 }; }
    set s { type ipv4_addr; limit rate 5/second; elements = { 1.1.1.1 limit rate 5/second, 2.2.2.2 }; }
    set s { type ipv4_addr; flags dynamic; limit rate over 5/second; }
    set s { type ipv4_addr; elements = { 1.2.3.4 comment "x", 1.2.3.5 comment "y z" }; }
    set s { type ipv6_addr; elements = { ::1, fe80::1, 2001:db8::1 }; }
    set s { type ipv6_addr; flags interval; elements = { fe80::/10, ::1 }; }
    set s { type ether_addr; elements = { 00:11:22:33:44:55 }; }
    set s { type ether_addr . ether_type; elements = { 00:11:22:33:44:55 . ip }; }
    set s { type ifname; elements = { "lo", eth0 }; }
    set s { type ifname; flags interval; elements = { "lo", "eth*" }; }
    set s { type mark; elements = { 5, 0x10 }; }
    set s { type mark; flags interval; elements = { 5-9, 0x10 }; }
    set s { type inet_proto; elements = { tcp, udp, 50 }; }
    set s { type inet_service; elements = { ssh, 80 }; }
    set s { type dscp; elements = { cs1, 5 }; }
    set s { type time; elements = { 5, 1h }; }
    set s { type tcp_flag; elements = { syn, syn|ack }; }
    set s { type ct_state; elements = { new, established }; }
    set s { type icmp_type . pkt_type . nf_proto; elements = { echo-request . host . ipv4 }; }
    set s { type icmpv6_type; elements = { echo-request, 5 }; }
    set s { type ct_dir; elements = { original }; }
    set s { type ct_status; elements = { assured, snat }; }
    set s { type iface_index; elements = { lo }; }
    set s { type ipv4_addr . inet_service; elements = { 1.2.3.4 . 22, 1.2.3.4 . 80 }; }
    set s { type ipv4_addr . inet_service; flags interval; elements = { 1.2.3.0/24 . 22-25, 1.2.4.4 . 80 }; }
    set s { type ipv4_addr . ipv4_addr . inet_proto . inet_service; elements = { 1.1.1.1 . 2.2.2.2 . tcp . 22 }; }
    set s { typeof ip saddr; elements = { 1.2.3.4 }; }
    set s { typeof ip saddr . tcp dport; elements = { 1.2.3.4 . 22 }; }
    set s { typeof ct mark; elements = { 5, 6 }; }
    set s { typeof vlan id; elements = { 5, 6 }; }
    set s { typeof vlan id . ip saddr; elements = { 5 . 1.1.1.1 }; }
    set s { typeof ip length . meta length . ct bytes; elements = { 5 . 6 . 7 }; }
    set s { typeof meta iifname; elements = { "lo" }; }
    set s { typeof tcp option maxseg size; elements = { 1400 }; }
    set s { typeof ip ttl; flags interval; elements = { 5-9 }; }
    set s { typeof frag frag-off; elements = { 5 }; }
    set s { typeof ct original ip saddr; elements = { 1.2.3.4 }; }
    set s { type uid; }
    set s { type realm; }
    map m { type ipv4_addr : verdict; }
    map m { type ipv4_addr : verdict; elements = { 1.2.3.4 : accept, 1.2.3.5 : jump y }; }
    map m { type ipv4_addr : verdict; flags interval; elements = { 1.0.0.0/8 : accept, 2.2.2.2 : goto y, * : drop }; }
    map m { type ipv4_addr : verdict; counter; elements = { 1.2.3.4 counter packets 5 bytes 6 comment "x" : jump y }; }
    map m { type ipv4_addr : mark; elements = { 1.2.3.4 : 5 }; }
    map m { type inet_service : ipv4_addr; elements = { 22 : 1.2.3.4 }; }
    map m { type inet_service : ipv4_addr . inet_service; elements = { 22 : 1.1.1.1 . 80 }; }
    map m { type ipv4_addr . mark : mark; flags timeout; policy memory; elements = { 1.2.3.4 . 22 timeout 5m : 5 }; }
    map m { type ipv4_addr . inet_service : verdict; flags interval; elements = { 1.2.3.0/24 . 22-25 : accept }; }
    map m { typeof ip saddr : meta mark; elements = { 1.1.1.1 : 0x10 }; }
    map m { typeof ip saddr . ip daddr : meta mark; elements = { 1.1.1.1 . 2.2.2.2 : 0x10 }; }
    map m { typeof ip saddr : verdict; elements = { 1.1.1.1 : drop }; }
    map m { type inet_service : ct_state; elements = { 5 : new }; }
    map m { type inet_service : dscp; elements = { 5 : cs1 }; comment "foo"; }
    map m { type ipv4_addr : counter; }
    map m { type ipv4_addr : limit; }
    map m { type ipv4_addr : interval ipv4_addr; }
    set s { type ipv4_addr . inet_service; flags interval; elements = { 1.2.3.0/24 . 22, 1.2.3.4 . 22 }; }
    set s { type ipv4_addr . inet_service; flags interval; elements = { 1.2.3.0/24 . 22-30, 1.2.3.4 . 25 }; }
    set s { type ipv4_addr . inet_service; flags interval; elements = { 1.2.3.0/24 . 22-30, 1.2.0.0/16 . 25 }; }
    set s { type ipv4_addr . inet_service; flags interval; elements = { 1.2.3.4 . 25, 1.2.3.0/24 . 22-30 }; }
    map m { type ipv4_addr . mark : verdict; flags interval; elements = { 1.2.3.0/24 . 2 : drop, 1.2.3.4 . 2 : drop }; }
    map m { type inet_service : verdict; flags interval; elements = { 22-30 : accept, 25 : accept }; }
    map m { type inet_service : verdict; flags interval; elements = { 22-30 : accept, * : drop, * : accept }; }
    set s { type foo; }
    set s { type integer; }
    set s { flags interval; }
    set s { type ipv4_addr; elements = { 1.2.3.0/24 }; }
    set s { type ipv4_addr; elements = { 1.2.3.4-1.2.3.9 }; }
    set s { type ipv4_addr; flags interval; elements = { 1.2.3.0/24, 1.2.3.4 }; }
    set s { type ipv4_addr; flags interval; elements = { 1.2.3.4, 1.2.3.0-1.2.3.9 }; }
    set s { type ipv4_addr; elements = { 22 . 5 }; }
    set s { type ipv4_addr . inet_service; elements = { 1.2.3.4 }; }
    set s { type ipv4_addr . inet_service; elements = { 1.2.3.4 . 22 . 5 }; }
    set s { type ipv4_addr; elements = { 1.2.3.4 : accept }; }
    set s { type ipv4_addr; elements = { ::1 }; }
    set s { type inet_service; elements = { foo }; }
    set s { type inet_service; elements = { 70000 }; }
    set s { type ipv4_addr; flags foo; }
    set s { type ipv4_addr; size 2; elements = { 1.2.3.4, 1.2.3.5, 1.2.3.6 }; }
    set s { type ipv4_addr; elements = { 1.2.3.4 timeout 5m }; }
    map m { type ipv4_addr; }
    map m { type ipv4_addr : verdict; elements = { 1.2.3.4 }; }
    map m { type ipv4_addr : verdict; elements = { 1.2.3.4 : jump nope }; }
    map m { type ipv4_addr : verdict; elements = { 1.2.3.4 : 5 }; }
    map m { type ipv4_addr : mark; elements = { 1.2.3.4 : accept }; }
    map m { type ipv4_addr : mark; elements = { 1.2.3.4 : 5, 1.2.3.4 : 6 }; }
    map m { type ipv4_addr : mark; flags interval; elements = { 1.2.3.0/24 : 5, 1.2.3.4 : 6 }; }
    map m { type ipv4_addr : foo; }
    set s { typeof ip foo; }
    set s { type ipv4_addr; foo; }
    """

  /// What the elements below belong to.
  static let withSets = """
    add table ip t
    add chain ip t y
    add set ip t s { type ipv4_addr; elements = { 1.2.3.4, 1.2.3.5 }; }
    add set ip t i { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }; }
    add set ip t g { type ipv4_addr; flags interval; auto-merge; elements = { 10.0.0.0/8 }; }
    add set ip t p { type ipv4_addr . inet_service; flags timeout; }
    add map ip t m { type ipv4_addr : verdict; elements = { 1.2.3.4 : accept }; }
    add map ip t k { type inet_service : mark; }

    """

  static let elements = """
    add element ip t s { 9.9.9.9 }
    add element t s { 9.9.9.9, 8.8.8.8 }
    add element ip t s { 1.2.3.4 }
    create element ip t s { 9.9.9.9 }
    create element ip t s { 1.2.3.4 }
    delete element ip t s { 1.2.3.4 }
    delete element ip t s { 9.9.9.9 }
    add element ip t s { 9.9.9.9 }; delete element ip t s { 9.9.9.9, 1.2.3.4 }
    add element ip t i { 11.0.0.0/8, 12.0.0.1 }
    add element ip t i { 10.0.0.0/8 }
    add element ip t g { 10.1.0.0/16, 11.0.0.0/8 }
    delete element ip t i { 10.1.0.0/16 }
    add element ip t i { 10.1.0.0/16 }
    add element ip t p { 1.2.3.4 . 22 timeout 5m }
    add element ip t p { 1.2.3.4 . 22 }
    add element ip t m { 5.5.5.5 : jump y }
    add element ip t m { 5.5.5.5 : jump nope }
    add element ip t m { 1.2.3.4 : drop }
    add element ip t m { 1.2.3.4 : accept }
    delete element ip t m { 1.2.3.4 }
    add element ip t k { 22 : 5, 80 : 0x10 }
    add element ip t nope { 1.2.3.4 }
    add element ip nope s { 1.2.3.4 }
    add element ip t s { foo }
    add element ip t s { 1.2.3.0/24 }
    flush set ip t s
    flush map ip t m
    flush set ip t nope
    delete set ip t s
    delete map ip t m
    delete set ip t nope
    add rule ip t y ip saddr @s accept; delete set ip t s
    add rule ip t y ip saddr @s accept; flush set ip t s
    add rule ip t y ip saddr vmap @m; delete map ip t m
    delete chain ip t y
    add element ip t m { 5.5.5.5 : jump y }; delete chain ip t y
    add element ip t m { 5.5.5.5 : jump y }; delete element ip t m { 5.5.5.5 }; delete chain ip t y
    """

  static let chains = """
    ip | type filter hook prerouting priority 0;
    ip | type filter hook forward priority 0; policy accept;
    ip | type filter hook forward priority 0; policy drop;
    ip | type filter hook postrouting priority -100; policy accept;
    ip6 | type filter hook forward priority filter; policy drop;
    inet | type filter hook forward priority filter + 10; policy drop;
    inet | type filter hook ingress device "lo" priority 0;
    netdev | type filter hook ingress device lo priority 0; policy accept;
    netdev | type filter hook ingress device "lo" priority filter - 5;
    netdev | type filter hook ingress devices = { lo } priority 0;
    ip | type filter hook input priority 0;
    ip | type filter hook output priority 0;
    ip | type nat hook prerouting priority dstnat;
    ip | type route hook output priority 0;
    netdev | type filter hook egress device lo priority 0;
    ip | comment "hello"
    ip | comment "hello"; type filter hook forward priority 0;
    ip | type filter hook forward priority 0; comment "x"; accept
    ip | counter
    ip |
    ip | type filter hook foo priority 0;
    ip | type foo hook forward priority 0;
    ip | type filter hook ingress priority 0;
    ip | type filter hook forward priority foo;
    ip | type filter hook forward priority 0; policy foo;
    ip | policy drop;
    netdev | type filter hook ingress priority 0;
    inet | type filter hook ingress priority 0;
    netdev | type filter hook forward priority 0;
    ip | type filter hook forward;
    ip | type filter priority 0;
    """

  static let priorities = """
    ip | prerouting priority raw;
    ip | prerouting priority mangle;
    ip | prerouting priority dstnat;
    ip | prerouting priority filter;
    ip | prerouting priority security;
    ip | prerouting priority srcnat;
    ip | forward priority dstnat;
    ip | forward priority srcnat;
    ip | postrouting priority srcnat;
    ip | postrouting priority srcnat - 3;
    ip | postrouting priority dstnat;
    ip | prerouting priority raw + 5;
    ip | prerouting priority raw - 10;
    ip | prerouting priority raw - 11;
    ip | prerouting priority -300;
    ip | prerouting priority -305;
    ip | prerouting priority -150;
    ip | prerouting priority -100;
    ip | forward priority -100;
    ip | forward priority 100;
    ip | forward priority 5;
    ip | forward priority -7;
    ip | forward priority 500;
    ip | forward priority 25;
    inet | prerouting priority mangle + 1;
    ip6 | prerouting priority raw;
    netdev | ingress device lo priority filter;
    netdev | ingress device lo priority raw;
    netdev | ingress device lo priority -300;
    netdev | ingress device lo priority 7;
    """

  static let tables = """
    table ip t { }
    --
    table t {
    }
    --
    table ip6 t {
    }
    --
    table inet t {
     chain c {
     }
    }
    --
    table netdev t {
    }
    --
    table ip t {
     flags dormant
    }
    --
    table ip t {
     comment "hello"
     chain c {
     }
    }
    --
    table ip t {
     counter c {
     }
     counter d {
      packets 5 bytes 6
     }
     counter e {
      comment "x"
      packets 5 bytes 6
     }
    }
    --
    table ip t {
     limit l {
      rate 10/second
     }
     limit m {
      rate over 10 mbytes/second burst 5 kbytes
     }
     limit n {
      comment "x"
      rate 5/minute burst 10 packets
     }
    }
    --
    table ip t {
     ct timeout tt {
      protocol tcp
      l3proto ip
      policy = { established : 100, close : 20 }
     }
     ct timeout u {
      protocol udp;
      policy = { unreplied : 15, replied : 12 };
     }
     chain c {
      ct timeout set "tt"
     }
    }
    --
    table ip t {
     chain c {
      # a comment
      accept # another

     }
    }
    table ip t {
     chain d {
      jump c
     }
    }
    --
    table ip t { chain c { type filter hook forward priority 0; policy accept; ip protocol tcp accept; }; }
    --
    table ip t {
     chain c {
      jump d
      ip saddr @s accept
     }
     chain d {
     }
     set s { type ipv4_addr; }
    }
    --
    table ip t {
     chain c {
      tcp dport { 22, \\
        80 } \\
        accept
      ip saddr {
        1.2.3.4,
        1.2.3.5
      } drop
      tcp dport vmap {
        22 : accept,
        80 : drop,
      }
     }
    }
    --
    table inet filter {
     chain input {
      type filter hook prerouting priority 0; policy drop;
      ct state vmap { established : accept, related : accept, invalid : drop }
      iifname lo accept
      meta l4proto icmp icmp type echo-request limit rate 5/second accept
      ip6 nexthdr icmpv6 icmpv6 type { nd-neighbor-solicit, nd-router-advert, nd-neighbor-advert } accept
      tcp dport { ssh, http } ct state new accept
      counter comment "what is left"
     }
    }
    --
    table ip a { chain c { accept; }; }
    table ip6 a { chain c { drop; }; }
    table inet a { chain c { counter; }; }
    --
    table ip t {
     quota q {
      over 5 mbytes
     }
    }
    --
    table ip t {
     ct helper h {
      type "ftp" protocol tcp;
     }
    }
    --
    table arp t {
    }
    --
    table bridge t {
    }
    """
}
