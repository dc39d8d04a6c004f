// The recordings of the benches of reading and ingest: 1 GB of signals (IMU messages), or of images
// (blobs of 100 to 500 kB, ten IMU messages to each), in chunks of 1 MiB with CRCs.
#ifndef RML_BENCH_MCAP_FILE_H
#define RML_BENCH_MCAP_FILE_H

#include "imu.h"
#include "roadmill/log/mcap.h"

#define PAYLOAD ((uint64_t)1000000000)
#define IMAGE_MIN 100000
#define IMAGE_SPREAD 400000
#define IMUS_PER_IMAGE 10

typedef struct input {
    char path[1024];
    const char *data, *compression;
    bool images;
    rml_mcap_compression kind;
} input;

typedef struct channels {
    uint16_t imu, image;
} channels;

static inline channels define(rml_mcap_writer *w)
{
    rml_error err = {0};
    channels c;
    uint16_t schema;
    rml_str imu = RML_STR("sensor_msgs/msg/Imu");
    imu_must(rml_mcap_writer_schema(w, imu, RML_STR("ros2msg"),
                                    rml_bytes_of_str(rml_message_builtin(imu)), &schema, &err),
             &err);
    imu_must(rml_mcap_writer_channel(w, schema, RML_STR("/imu"), RML_STR("cdr"), &c.imu, &err),
             &err);
    imu_must(rml_mcap_writer_channel(w, 0, RML_STR("/image"), RML_STR("blob"), &c.image, &err),
             &err);
    return c;
}

// Half of it noise: what a camera's own compression leaves.
static inline void image_fill(uint8_t *image, size_t size, uint64_t index)
{
    for (size_t at = 0; at + 8 <= size; at += 8) {
        uint64_t noise = at % 16 == 0 ? rml_random_u64(2, index, at) : 0x0123456789abcdef;
        rml_save_u64(image + at, noise);
    }
}

static inline void make_file(const input *in)
{
    rml_error err = {0};
    rml_mcap_writer *w;
    // As the recorders of ROS 2 write: a CRC for each chunk, none over the whole.
    const rml_mcap_writer_options options = {.profile = RML_STR("ros2"),
                                             .library = RML_STR("bench"),
                                             .compression = in->kind,
                                             .no_data_crc = true};
    uint8_t *image = rml_heap_make(IMAGE_MIN + IMAGE_SPREAD);
    imu_must(rml_mcap_writer_open(in->path, &options, &w, &err), &err);
    channels c = define(w);
    uint64_t size = 0;
    for (uint64_t i = 0; size < PAYLOAD; i++) {
        uint8_t data[IMU_SIZE];
        bool is_image = in->images && i % (IMUS_PER_IMAGE + 1) == 0;
        size_t len = is_image ? IMAGE_MIN + (size_t)rml_random_below(1, i, 0, IMAGE_SPREAD)
                              : imu_make(i, data);
        if (is_image) {
            image_fill(image, len, i);
        }
        int64_t t_ns = 1700000000000000000 + (int64_t)i * 10000000;
        imu_must(rml_mcap_writer_message(w, is_image ? c.image : c.imu, (uint32_t)i, t_ns, t_ns,
                                         rml_bytes_of(is_image ? image : data, len), &err),
                 &err);
        size += len;
    }
    imu_must(rml_mcap_writer_finish(w, &err), &err);
    rml_mcap_writer_close(w);
    rml_heap_free(image);
}

#endif
