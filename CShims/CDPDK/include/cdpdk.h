/* CDPDK: the border between Swift and DPDK, and the only place that includes its headers.
 *
 * What Swift can import as it stands (rte_eal_init, rte_eth_dev_configure, ...) is called as it stands. The functions
 * here exist because Swift's importer cannot see the original: an over-aligned struct (rte_mbuf arrives opaque), a
 * function-like macro, a bit field or a constant behind RTE_BIT64. All on the packet path are static inline: they
 * vanish into the Swift loop that calls them. Nothing here decides anything.
 */
#ifndef CDPDK_H
#define CDPDK_H

#include <rte_config.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_prefetch.h>
#include <rte_ring.h>
#include <rte_telemetry.h>
#include <rte_version.h>

/* ---- packet path: one mbuf -------------------------------------------------------------------------------------- */

/** First byte of the frame. */
static inline void *cdpdk_mbuf_data(const struct rte_mbuf *m) { return rte_pktmbuf_mtod(m, void *); }

/** Bytes in the first segment. */
static inline uint16_t cdpdk_mbuf_data_length(const struct rte_mbuf *m) { return m->data_len; }

/** Bytes of the frame, all segments. */
static inline uint32_t cdpdk_mbuf_length(const struct rte_mbuf *m) { return m->pkt_len; }

/** In how many segments it lies. */
static inline uint16_t cdpdk_mbuf_segments(const struct rte_mbuf *m) { return m->nb_segs; }

/** RTE_MBUF_F_*: what the port says of the packet. */
static inline uint64_t cdpdk_mbuf_flags(const struct rte_mbuf *m) { return m->ol_flags; }

#define CDPDK_FLAG(name, original) static const uint64_t name = original
CDPDK_FLAG(cdpdk_rx_l4_checksum_mask, RTE_MBUF_F_RX_L4_CKSUM_MASK);
CDPDK_FLAG(cdpdk_rx_l4_checksum_good, RTE_MBUF_F_RX_L4_CKSUM_GOOD);
CDPDK_FLAG(cdpdk_rx_l4_checksum_bad, RTE_MBUF_F_RX_L4_CKSUM_BAD);
CDPDK_FLAG(cdpdk_rx_l4_checksum_none, RTE_MBUF_F_RX_L4_CKSUM_NONE);
CDPDK_FLAG(cdpdk_rx_lro, RTE_MBUF_F_RX_LRO);
#undef CDPDK_FLAG

/** Copies up to `room` bytes of the frame, from its first byte and across segments; returns how many. */
static inline uint32_t cdpdk_mbuf_copy(const struct rte_mbuf *m, void *to, uint32_t room)
{
    uint32_t want = m->pkt_len < room ? m->pkt_len : room;
    const void *at = rte_pktmbuf_read(m, 0, want, to);

    if (at == NULL)
        return 0;
    if (at != to)
        memcpy(to, at, want);
    return want;
}

/** Asks the port to finish the transport checksum; the field already holds the sum of the pseudo header.
 *  Lengths in bytes. With `segment` the port also cuts the frame into segments of the size the receiving port gave. */
static inline void cdpdk_mbuf_request_checksum(struct rte_mbuf *m, uint16_t l2, uint16_t l3, uint16_t l4, bool ipv6,
                                               bool tcp, bool segment)
{
    m->l2_len = l2;
    m->l3_len = l3;
    m->l4_len = l4;
    m->ol_flags |= (ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4) |
                   (tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM);
    if (segment)
        m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | (ipv6 ? 0 : RTE_MBUF_F_TX_IP_CKSUM);
}

/** A packet of these bytes out of the pool that `like` is of, in as many segments as they need; NULL when it is empty. */
struct rte_mbuf *cdpdk_mbuf_make(const struct rte_mbuf *like, const void *header, uint32_t header_length,
                                 const void *payload, uint32_t payload_length);

static inline void cdpdk_prefetch(const void *p) { rte_prefetch0(p); }

/* ---- packet path: bursts ---------------------------------------------------------------------------------------- */

static inline uint16_t cdpdk_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **packets, uint16_t count)
{
    return rte_eth_rx_burst(port, queue, packets, count);
}

static inline uint16_t cdpdk_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **packets, uint16_t count)
{
    return rte_eth_tx_burst(port, queue, packets, count);
}

/** Readies packets whose checksum or cut was asked of the port; returns how many, from the first, it can take. */
static inline uint16_t cdpdk_tx_prepare(uint16_t port, uint16_t queue, struct rte_mbuf **packets, uint16_t count)
{
    return rte_eth_tx_prepare(port, queue, packets, count);
}

static inline void cdpdk_free_bulk(struct rte_mbuf **packets, unsigned int count)
{
    rte_pktmbuf_free_bulk(packets, count);
}

/* ---- packet path: from one worker to another -------------------------------------------------------------------- */

/** The port a packet came in by. */
static inline uint16_t cdpdk_mbuf_port(const struct rte_mbuf *m) { return m->port; }
static inline void cdpdk_mbuf_set_port(struct rte_mbuf *m, uint16_t port) { m->port = port; }

/** Both return how many packets, from the first, went through. The ring has one producer and one consumer. */
static inline uint32_t cdpdk_ring_put(struct rte_ring *ring, struct rte_mbuf **packets, uint32_t count)
{
    return rte_ring_sp_enqueue_burst(ring, (void *const *) packets, count, NULL);
}

/** How many more it takes just now, at least. */
static inline uint32_t cdpdk_ring_room(const struct rte_ring *ring) { return rte_ring_free_count(ring); }

static inline uint32_t cdpdk_ring_take(struct rte_ring *ring, struct rte_mbuf **packets, uint32_t count)
{
    return rte_ring_sc_dequeue_burst(ring, (void **) packets, count, NULL);
}

static inline uint64_t cdpdk_tsc(void) { return rte_rdtsc(); }

/** Gives the CPU away for `nanoseconds`; the kernel's timer slack is taken to its minimum on the first call. */
void cdpdk_sleep(uint32_t nanoseconds);

/* ---- control path: ports ---------------------------------------------------------------------------------------- */

/** What a port is and can do: the parts of rte_eth_dev_info that are asked for. */
struct cdpdk_port_facts {
    char driver[64];
    char device[64];
    uint8_t mac[6];
    uint16_t rx_queues_max, tx_queues_max;
    uint16_t rx_descriptors_min, rx_descriptors_max, rx_descriptors_align;
    uint16_t tx_descriptors_min, tx_descriptors_max, tx_descriptors_align;
    uint16_t mtu, mtu_max;
    int socket; /* -1: any */
    bool rx_checksum_l4, rx_scatter, tx_checksum_l4, tx_tso;
    /* Entries of the table by which it spreads packets over its queues, if it can do that by the addresses of both IP
     * versions with a key it is given; else 0. */
    uint16_t spread_table;
};

/** The most bytes of such a key. */
#define CDPDK_SPREAD_KEY 52

/** Zero, or a negative errno. */
int cdpdk_port_facts(uint16_t port, struct cdpdk_port_facts *facts);

/** What a port is set up with. */
struct cdpdk_port_setup {
    uint16_t rx_queues, tx_queues, rx_descriptors, tx_descriptors;
    uint16_t mtu; /* 0: as it is */
    bool rx_checksum_l4, rx_scatter, tx_checksum_l4, tx_tso, rss;
    struct rte_mempool *pool;
    const uint8_t *spread_key; /* CDPDK_SPREAD_KEY bytes, of which the port takes as many as it wants; NULL: its own */
};

/** Configures the port and all its queues, without starting it; on failure `step` names what failed. */
int cdpdk_port_setup(uint16_t port, const struct cdpdk_port_setup *setup, const char **step);

/** Has the started port spread packets over its queues by a table; `queues` holds `size` of them. */
int cdpdk_port_spread(uint16_t port, const uint16_t *queues, uint16_t size);

/** A ring for one producer and one consumer that holds one packet less than `size`, a power of two; NULL and
 *  cdpdk_errno(). */
struct rte_ring *cdpdk_ring_create(const char *name, uint32_t size, int socket);

/** Speed in Mbps and whether the link is up. */
int cdpdk_port_link(uint16_t port, uint32_t *speed, bool *up);

/** Whether the kernel's interface behind a port is up and has a carrier; true where there is none behind it. */
bool cdpdk_interface_up(uint16_t port);

/* ---- control path: pools, lcores, log --------------------------------------------------------------------------- */

/** Bytes one mbuf of that data room takes in its pool, headers and padding included. */
uint32_t cdpdk_element_size(uint16_t data_room);

/** Output as a service wants it: a line reaches its reader when it is written, and a reader that went away ends
 *  nothing (SIGPIPE). */
void cdpdk_settle_output(void);

/** SIGINT and SIGTERM: blocked or not in the calling thread and those it starts. */
void cdpdk_stop_signals_block(bool block);

/** Waits for one of them, which must be blocked; 0 when none came within the time. (Nanoseconds: struct timespec reaches
 *  Swift through whichever module claims it first.) */
int cdpdk_stop_signals_wait(uint64_t nanoseconds);

/** The CPUs a thread may run on, as sched_setaffinity(2) takes them. */
struct cdpdk_cpus {
    uint64_t bits[16];
};

/** Those of the calling thread. */
struct cdpdk_cpus cdpdk_cpus_get(void);
void cdpdk_cpus_set(struct cdpdk_cpus cpus);

/**
 * Makes every thread of the process that user with that group, no other group and no capability, beyond return. The
 * process can still be dumped and traced; programs that the calling thread runs gain nothing. Returns 0, or an errno
 * and the call in `step`.
 */
int cdpdk_become(uint32_t user, uint32_t group, const char **step);

/** Free mbufs of a pool that lie in lcore caches. */
uint32_t cdpdk_mempool_cached(struct rte_mempool *pool);

typedef void (*cdpdk_log_line)(uint32_t level, const char *text, size_t length);

/** Sends DPDK's own log lines to `line`, one call a line, from any thread. Call before rte_eal_init. */
int cdpdk_log_bridge(cdpdk_log_line line);

static inline int cdpdk_errno(void) { return rte_errno; }

#endif
