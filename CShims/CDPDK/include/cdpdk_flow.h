/* Of CDPDK: rules that a port keeps for single flows (rte_flow). All of it is control path, and may take milliseconds.
 */
#ifndef CDPDK_FLOW_H
#define CDPDK_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A flow as its packets have it, and what they get: the mark, a counter, and word when none came for `timeout`. */
struct cdpdk_flow_rule {
    uint8_t source[16], destination[16]; /* network order; IPv4 in the first four */
    uint16_t source_port, destination_port; /* host order */
    bool ipv6, tcp;                         /* else IPv4, else UDP */
    uint16_t queue;                         /* CDPDK_FLOW_ANY_QUEUE: as the port spreads other packets */
    uint32_t mark;
    uint32_t timeout; /* seconds, 24 bits */
    uint64_t token;   /* by which it is told to have aged */
};

#define CDPDK_FLOW_ANY_QUEUE UINT16_MAX

/** Room for the driver's own words. */
#define CDPDK_FLOW_REASON 160

/* All return zero or a negative errno; in the latter case `reason` has CDPDK_FLOW_REASON bytes of text. */

/** Asks the driver whether it would, then to do it. `rule` is its name from then on. */
int cdpdk_flow_place(uint16_t port, const struct cdpdk_flow_rule *wanted, uintptr_t *rule, char *reason);

/** What it has counted since it was made; no bytes where the driver counts packets only. */
int cdpdk_flow_count(uint16_t port, uintptr_t rule, uint64_t *packets, uint64_t *bytes, char *reason);

int cdpdk_flow_remove(uint16_t port, uintptr_t rule, char *reason);

/** Tokens of rules that have aged, `room` at most; returns how many, or a negative errno. */
int cdpdk_flow_aged(uint16_t port, uint64_t *tokens, uint32_t room);

#endif
