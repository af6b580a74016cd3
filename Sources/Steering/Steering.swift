// Steering: which worker owns a packet. A flow has one owner, so its state is never shared; what arrives elsewhere is
// handed over.
