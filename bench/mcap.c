// Reading MCAP against the floor: map the file, decompress each chunk, CRC-32 it, step over its
// records. Same file, same run, best of several rounds in turn.
#include "roadmill/log/mcap.h"
#include "bench.h"
#include "imu.h"
#include "roadmill/codec.h"
#include "roadmill/log.h"

#define MESSAGES 100000
#define ROUNDS 5

static void make_file(const char *path, rml_mcap_compression compression)
{
    rml_error err = {0};
    rml_mcap_writer *w;
    uint16_t schema, channel;
    const rml_mcap_writer_options options = {
        .profile = RML_STR("ros2"), .library = RML_STR("bench"), .compression = compression};
    rml_str name = RML_STR("sensor_msgs/msg/Imu");
    imu_must(rml_mcap_writer_open(path, &options, &w, &err), &err);
    imu_must(rml_mcap_writer_schema(w, name, RML_STR("ros2msg"),
                                    rml_bytes_of_str(rml_message_builtin(name)), &schema, &err),
             &err);
    imu_must(rml_mcap_writer_channel(w, schema, RML_STR("/imu"), RML_STR("cdr"), &channel, &err),
             &err);
    for (uint64_t i = 0; i < MESSAGES; i++) {
        uint8_t data[IMU_SIZE];
        size_t len = imu_make(i, data);
        int64_t t_ns = 1700000000000000000 + (int64_t)i * 10000000;
        imu_must(rml_mcap_writer_message(w, channel, (uint32_t)i, t_ns, t_ns,
                                         rml_bytes_of(data, len), &err),
                 &err);
    }
    imu_must(rml_mcap_writer_finish(w, &err), &err);
    rml_mcap_writer_close(w);
}

// Payload bytes, by what the floor has to do and nothing else.
static uint64_t floor_read(const char *path)
{
    rml_error err = {0};
    rml_map_file map;
    rml_codec_context codec = {0};
    rml_buffer space = {0};
    uint64_t payload = 0;
    imu_must(rml_map_file_open(&map, path, &err), &err);
    const uint8_t *p = map.bytes.data + 8, *end = map.bytes.data + map.bytes.len - 8;
    while (p + 9 <= end) {
        uint64_t len = rml_load_u64(p + 1);
        const uint8_t *b = p + 9;
        if (p[0] == 6) {
            size_t size = (size_t)rml_load_u64(b + 16), name = rml_load_u32(b + 28);
            size_t stored = (size_t)rml_load_u64(b + 32 + name);
            const uint8_t *records = b + 40 + name;
            if (name > 0) {
                rml_buffer_clear(&space);
                uint8_t *to = rml_buffer_add(&space, size, &err);
                imu_must(rml_decompress(&codec, name == 4 ? RML_CODEC_ZSTD : RML_CODEC_LZ4,
                                        rml_bytes_of(records, stored), to, size, (rml_place){0},
                                        &err),
                         &err);
                records = to;
            }
            if (rml_crc32(0, records, size) != rml_load_u32(b + 24)) {
                exit(1);
            }
            for (size_t at = 0; at + 9 <= size;) {
                uint64_t n = rml_load_u64(records + at + 1);
                payload += records[at] == 5 ? n - 22 : 0;
                at += 9 + (size_t)n;
            }
        }
        p = b + len;
    }
    rml_codec_context_reset(&codec);
    rml_buffer_reset(&space);
    rml_map_file_close(&map);
    return payload;
}

static uint64_t log_read(const char *path, rml_log_order order)
{
    rml_error err = {0};
    rml_log *log;
    rml_log_message m;
    rml_status st;
    uint64_t payload = 0;
    const rml_log_options options = {.order = order};
    imu_must(rml_log_open(rml_str_of(path), &options, &log, &err), &err);
    while ((st = rml_log_next(log, &m, &err)) == RML_OK) {
        payload += m.data.len;
    }
    imu_must(st == RML_END ? RML_OK : st, &err);
    rml_log_close(log);
    return payload;
}

static void measure(const char *path, const char *name)
{
    double best[3] = {1e9, 1e9, 1e9};
    uint64_t bytes[3] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        for (int k = 0; k < 3; k++) {
            double start = imu_seconds();
            bytes[k] = k == 0   ? floor_read(path)
                       : k == 1 ? log_read(path, RML_LOG_FILE_ORDER)
                                : log_read(path, RML_LOG_TIME_ORDER);
            double seconds = imu_seconds() - start;
            best[k] = seconds < best[k] ? seconds : best[k];
        }
    }
    if (bytes[0] != bytes[1] || bytes[0] != bytes[2]) {
        fprintf(stderr, "bench: the ways of reading disagree\n");
        exit(1);
    }
    double mb = (double)bytes[0] * 1e-6;
    char text[64];
    snprintf(text, sizeof text, "mcap read %s", name);
    rml_bench_line(text, mb / best[1], "MB/s", "decompress+crc+walk", mb / best[0],
                   best[0] / best[1]);
    snprintf(text, sizeof text, "mcap read by log time %s", name);
    rml_bench_line(text, mb / best[2], "MB/s", "decompress+crc+walk", mb / best[0],
                   best[0] / best[2]);
}

int main(void)
{
    static const struct {
        const char *name;
        rml_mcap_compression compression;
    } kinds[] = {{"none", RML_MCAP_NONE}, {"lz4", RML_MCAP_LZ4}, {"zstd", RML_MCAP_ZSTD}};
    const char *folder = rml_env("TMPDIR");
    char path[1024];
    snprintf(path, sizeof path, "%s/bench.mcap", folder == NULL ? "/tmp" : folder);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        make_file(path, kinds[i].compression);
        measure(path, kinds[i].name);
    }
    rml_error err = {0};
    imu_must(rml_file_remove(path, &err), &err);
    return 0;
}
