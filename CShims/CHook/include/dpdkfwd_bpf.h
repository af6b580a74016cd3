/* What an eBPF program on a hook of dpdkfwd sees of a packet, and how it answers. For C compiled to eBPF, where no
 * other header is needed, and for the forwarder itself; docs/ebpf.md tells the rest.
 *
 *   #include "dpdkfwd_bpf.h"
 *   unsigned long long filter(struct dpdkfwd_bpf_packet *packet) { return DPDKFWD_BPF_ACCEPT; }
 *
 * Fields keep their places for good; new ones come out of `reserved`. Numbers are in host byte order.
 */
#ifndef DPDKFWD_BPF_H
#define DPDKFWD_BPF_H

/* Zero drops the packet; any other number accepts it. */
#define DPDKFWD_BPF_DROP 0
#define DPDKFWD_BPF_ACCEPT 1

/* `ct_state`, one bit, as nft counts them; zero before connections are tracked. */
#define DPDKFWD_BPF_CT_INVALID 1
#define DPDKFWD_BPF_CT_ESTABLISHED 2
#define DPDKFWD_BPF_CT_RELATED 4
#define DPDKFWD_BPF_CT_NEW 8
#define DPDKFWD_BPF_CT_UNTRACKED 64

/* `fragment` */
#define DPDKFWD_BPF_WHOLE 0
#define DPDKFWD_BPF_FIRST_FRAGMENT 1
#define DPDKFWD_BPF_LATER_FRAGMENT 2

/* Bytes of the frame that a program can see. */
#define DPDKFWD_BPF_FRAME 128

struct dpdkfwd_bpf_packet {
    unsigned int length;           /* bytes of the frame */
    unsigned short held;           /* how many of them are in `frame` */
    unsigned short ingress;        /* the port it came in by */
    unsigned short egress;         /* the port it is to leave by; 0xffff: not known yet */
    unsigned short ether_type;     /* behind VLAN tags */
    unsigned short vlan;           /* tag control information of the outer tag */
    unsigned char vlan_count;      /* tags */
    unsigned char ip_version;      /* 4 or 6; 0: neither */
    unsigned short network;        /* where the network header starts in the frame */
    unsigned short transport;      /* where the transport header starts; 0: there is none here */
    unsigned short source_port;    /* TCP, UDP, SCTP; ICMP: type << 8 | code */
    unsigned short destination_port; /* ICMP: identifier of queries */
    unsigned char protocol;        /* IP protocol, behind IPv6 extension headers */
    unsigned char tcp_flags;       /* FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128 */
    unsigned char hop_limit;       /* or TTL */
    unsigned char fragment;        /* DPDKFWD_BPF_WHOLE, ... */
    unsigned char ct_state;        /* DPDKFWD_BPF_CT_... */
    unsigned char ct_reply;        /* 1: goes in the reply direction of its connection */
    unsigned short zone;           /* of connection tracking */
    unsigned int source[4];        /* an address in words, first word first; IPv4 is the first alone */
    unsigned int destination[4];
    unsigned int mark;             /* of the connection; what a program stores here is its mark from now on */
    unsigned char reserved[60];    /* zero */
    unsigned char frame[DPDKFWD_BPF_FRAME]; /* its first bytes; behind `held` zeros. A copy: stores change nothing */
};

#define DPDKFWD_BPF_AT(field, offset)                                                                                  \
    _Static_assert(__builtin_offsetof(struct dpdkfwd_bpf_packet, field) == (offset), #field)
DPDKFWD_BPF_AT(held, 4);
DPDKFWD_BPF_AT(egress, 8);
DPDKFWD_BPF_AT(vlan, 12);
DPDKFWD_BPF_AT(network, 16);
DPDKFWD_BPF_AT(source_port, 20);
DPDKFWD_BPF_AT(protocol, 24);
DPDKFWD_BPF_AT(ct_state, 28);
DPDKFWD_BPF_AT(zone, 30);
DPDKFWD_BPF_AT(source, 32);
DPDKFWD_BPF_AT(destination, 48);
DPDKFWD_BPF_AT(mark, 64);
DPDKFWD_BPF_AT(frame, 128);
_Static_assert(sizeof(struct dpdkfwd_bpf_packet) == 256, "size");
#undef DPDKFWD_BPF_AT

#ifdef __bpf__
/* A byte of the frame; 0 behind those that are held. Places in the frame that are not constants need a mask which the
 * compiler does not take away again when it has seen a comparison: rte_bpf does not go by comparisons. */
static inline unsigned char dpdkfwd_bpf_byte(const struct dpdkfwd_bpf_packet *packet, unsigned long long place)
{
    if (place >= packet->held)
        return 0;
    __asm__ volatile("%0 &= 127" : "+r"(place));
    return packet->frame[place];
}
#endif

#endif
