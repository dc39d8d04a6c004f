// Kernels in plain C: the reference of the others.
#include "cpu/lanes_scalar.h"

#include "cpu/body/all.h"

const rml_variant rml_variant_scalar = {"scalar", 0,          kernels,    squares,  add_into, adamw,
                                        probe,    muon_begin, muon_scale, muon_end, NULL};
