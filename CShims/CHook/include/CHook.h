// CHook: how a worker calls a program on a hook. It knows nothing of what made the program: machine code that a
// just-in-time compiler left behind, or an interpreter and what it interprets.
#ifndef CHOOK_H
#define CHOOK_H

#include <stdint.h>

#include "dpdkfwd_bpf.h"

/// A program that can be called: `code` if there is some, else `interpret` with `program`.
struct chook_program {
  uint64_t (*code)(void *packet);
  uint64_t (*interpret)(const void *program, void *packet);
  const void *program;
};

/// One call. The packet is the program's to read and to write.
static inline uint64_t chook_run(struct chook_program program, struct dpdkfwd_bpf_packet *packet) {
  return program.code ? program.code(packet) : program.interpret(program.program, packet);
}

#endif
