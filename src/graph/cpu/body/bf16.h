// Products in bfloat16: factors rounded, sums in float32.
//
// Bit rule: depth goes in blocks of BF16_DEPTH. In a block one chain of fused multiply-adds runs
// over the even depths and one over the odd ones, each from zero; their sum is added to the
// element, which starts at its bias. That is what a tile instruction does (TDPBF16PS, Intel SDM
// volume 2), so machines with and without it agree.
//
// The instruction takes subnormal numbers for zero, plain arithmetic does not. So what is below
// 2^-56 rounds to zero: then every product is a multiple of 2^-126, and so is every sum of them;
// none is ever subnormal. For the same reason a bias below 2^-90 counts as zero.

#define BF16_DEPTH 32

// To the nearest bfloat16, ties to even; kept as float32.
static inline lanes bf16_round(lanes x)
{
    lanes odd = v_and(v_shift_right(x, 16), v_bits(1));
    lanes up = v_add_bits(v_add_bits(x, v_bits(0x7fff)), odd);
    lanes near = v_and(up, v_bits(0xffff0000));
    lanes size = v_and(x, v_bits(0x7fffffff));
    near = v_select(v_less(size, v_set(0x1p-56f)), v_set(0.0f), near);
    return v_select(v_unequal(x, x), v_bits(0x7fc00000), near);
}

static inline lanes bf16_start(lanes bias)
{
    lanes size = v_and(bias, v_bits(0x7fffffff));
    return v_select(v_less(size, v_set(0x1p-90f)), v_set(0.0f), bias);
}
