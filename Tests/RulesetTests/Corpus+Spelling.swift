extension Corpus {
  /// Comments, ends of lines, names.
  static let spellings = #"""
    # only a comment
    --
    #!/usr/sbin/nft -f
    table ip t { }
    --
    table ip t { # c
     chain c { # d
      accept # e
     } # f
    } # g
    --
    table ip t { chain c { tcp dport { 22, # ssh
     80 } # http
     accept
     }
    }
    --
    table ip t { chain c { tcp dport { 22,
    # ssh
     80 }
     }
    }
    --
    table ip t { chain c { tcp dport {
    22
    ,
    80
    }
     }
    }
    --
    table ip t { chain c { tcp dport
     22
     }
    }
    --
    table ip t { chain c { tcp dport \
     22
     }
    }
    --
    table ip t { chain c { tcp \
     dport \
     22 \
     accept
     }
    }
    --
    table ip t { chain c { tcp dport 22 \ accept
     }
    }
    --
    table ip t { chain c { ip saddr { 1.2.3.4, 5.6.7.8 } \
       accept
     }
    }
    --
    table ip t { chain c { comment "a
    b"
     }
    }
    --
    table ip t { chain c { counter; ; ; drop;; }; }
    --
    table ip t { ; ; chain c { }; ; }
    --
    ;;;
    --
    table ip t { chain c { } ; } ;
    --
    table ip t { chain c { }
     chain d { }
     ;
    }
    --
    table ip t { chain c { ip saddr 1.2.3.4 accept;ip saddr 1.2.3.5 drop; }; }
    --
    	table	ip	t	{	chain	c	{	accept;	};	}
    --
    table ip table { }
    --
    table ip "t" { }
    --
    table ip t-1_x.y/z { }
    --
    table ip T { chain C { jump D; }; chain D { }; }
    --
    table ip t { chain filter { }; chain input { }; chain prerouting { }; chain name { }; chain packets { }; }
    --
    table ip t { chain bytes { }; }
    --
    table ip t { chain rate { }; }
    --
    table ip t { chain burst { }; }
    --
    table ip t { chain over { }; }
    --
    table ip t { chain until { }; }
    --
    table ip t { chain hook { }; }
    --
    table ip t { chain priority { }; }
    --
    table ip t { chain type { }; }
    --
    table ip t { chain flags { }; }
    --
    table ip t { chain level { }; }
    --
    table ip t { chain prefix { }; }
    --
    table ip t { chain state { }; }
    --
    table ip t { chain status { }; }
    --
    table ip t { chain original { }; }
    --
    table ip t { chain new { }; }
    --
    table ip t { chain saddr { }; }
    --
    table ip t { chain daddr { }; }
    --
    table ip t { chain dport { }; }
    --
    table ip t { chain id { }; }
    --
    table ip t { chain length { }; }
    --
    table ip t { chain protocol { }; }
    --
    table ip t { chain to { }; }
    --
    table ip t { chain with { }; }
    --
    table ip t { chain exists { }; }
    --
    table ip t { chain missing { }; }
    --
    table ip t { chain performance { }; chain memory { }; }
    --
    table ip t { chain in { }; }
    --
    table ip t { chain out { }; }
    --
    table ip t { chain dynamic { }; }
    --
    table ip t { chain all { }; }
    --
    table ip t { chain last { }; }
    --
    table ip t { chain never { }; }
    --
    table ip t { chain helper { }; }
    --
    table ip t { chain zone { }; }
    --
    table ip t { chain label { }; }
    --
    table ip t { chain second { }; chain hour { }; chain day { }; }
    --
    table ip t { chain day { }; }
    --
    table ip t { chain minute { }; chain week { }; }
    --
    table ip t { chain name { }; }
    --
    table ip t { chain element { }; }
    --
    table ip t { chain rules { }; chain sets { }; }
    --
    table ip t { chain chains { }; chain tables { }; }
    --
    table ip t { chain ruleset { }; }
    --
    table ip t { chain json { }; chain vm { }; }
    --
    table ip t { chain destroy { }; }
    --
    table ip t { chain ecn { }; chain dscp { }; chain ttl { }; chain version { }; }
    --
    table ip t { chain sport { }; chain window { }; chain size { }; }
    --
    table ip t { chain code { }; chain gateway { }; chain mtu { }; chain sequence { }; }
    --
    table ip t { chain random { }; }
    --
    table ip t { chain offset { }; chain mod { }; chain seed { }; }
    --
    table ip t { chain log { }; }
    --
    table ip t { chain time { }; }
    --
    table ip t { chain drop-all { }; chain accept_new { }; chain jump1 { }; }
    --
    table ip t { chain a*b { }; }
    --
    table ip t { chain a* { }; }
    --
    table ip t { chain a,b { }; }
    --
    table ip t { chain a@b { }; }
    --
    table ip t { chain -a { }; }
    --
    table ip t { chain _a { }; chain .a { }; chain /a { }; }
    --
    table ip t { chain 1.2.3.4 { }; }
    --
    table ip t { chain 10 { }; }
    --
    table ip t { chain 10s { }; }
    --
    table ip t { chain ::1 { }; }
    --
    table ip t {
     chain c {
      type filter hook forward priority 0;
      jump d
     }
     chain d {
      reject
     }
    }
    --
    table ip t {
     chain d {
      reject
     }
     chain c {
      type filter hook forward priority 0;
      jump d
     }
    }
    --
    table ip t {
     chain c {
      type filter hook postrouting priority 0;
      jump d
     }
     chain d {
      reject
     }
    }
    --
    table ip t {
     chain d {
      reject
     }
     chain c {
      type filter hook postrouting priority 0;
      jump d
     }
    }
    --
    table ip t {
     map m { type inet_service : verdict; }
     chain d { reject; }
     chain c {
      type filter hook postrouting priority 0;
      tcp dport vmap @m
     }
    }
    add element ip t m { 1 : jump d }
    """#
}
