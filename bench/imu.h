// IMU messages as a recorder writes them, for the benches of reading and decoding: CDR of
// sensor_msgs/msg/Imu with noise in its low bits, so that compressors have real work.
#ifndef RML_BENCH_IMU_H
#define RML_BENCH_IMU_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "roadmill/base/random.h"
#include "roadmill/message.h"
#include "roadmill/os.h"

#define IMU_SIZE (4 + 20 + 37 * 8 + 4)

static inline void imu_must(rml_status st, const rml_error *err)
{
    if (st != RML_OK) {
        fprintf(stderr, "bench: %s: %s\n", err->place, err->what);
        exit(1);
    }
}

static inline size_t imu_make(uint64_t index, uint8_t out[IMU_SIZE])
{
    static const char frame[] = "imu_link";
    memset(out, 0, IMU_SIZE);
    out[1] = 1;
    rml_save_u32(out + 4, (uint32_t)(1700000000 + index / 100));
    rml_save_u32(out + 8, (uint32_t)(index % 100 * 10000000));
    rml_save_u32(out + 12, sizeof frame);
    memcpy(out + 16, frame, sizeof frame);
    for (size_t i = 0; i < 37; i++) {
        bool covariance = (i >= 4 && i < 13) || (i >= 16 && i < 25) || i >= 28;
        double v =
            covariance ? (i % 4 == 0 ? 0.0004 : 0) : (double)i + 1e-3 * rml_random_f64(1, i, index);
        memcpy(out + 4 + 24 + 8 * i, &v, sizeof v);
    }
    return 4 + 24 + 37 * 8;
}

// Of this process alone: other work on the machine does not count.
static inline double imu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

#endif
