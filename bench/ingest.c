// Ingest of 1 GB of MCAP into a lake, one core, in page cache, against the floor of its first half:
// the SHA-256 that names the recording, decompression, CRC-32 and a walk. Rows ingest_images,
// ingest_signals (MB/s of the log) and ingest_signals_rate (messages/s).
#include "roadmill/ingest.h"
#include "bench.h"
#include "mcap_file.h"
#include "roadmill/codec.h"
#include "roadmill/lake.h"
#include "roadmill/log.h"

static double floor_seconds(const char *path)
{
    rml_error err = {0};
    rml_map_file map;
    rml_hash hash;
    rml_log *log;
    rml_log_message m;
    rml_status st;
    double start = imu_seconds();
    imu_must(rml_map_file_open(&map, path, &err), &err);
    imu_must(rml_sha256(map.bytes.data, map.bytes.len, &hash), &err);
    rml_map_file_close(&map);
    imu_must(rml_log_open(rml_str_of(path), NULL, &log, &err), &err);
    while ((st = rml_log_next(log, &m, &err)) == RML_OK) {
    }
    imu_must(st == RML_END ? RML_OK : st, &err);
    rml_log_close(log);
    return imu_seconds() - start;
}

static double ingest_seconds(const char *path, rml_ingest_result *out)
{
    rml_error err = {0};
    rml_arena arena = {0};
    rml_str folder;
    rml_lake *lake;
    const rml_ingest_options options = {0};
    imu_must(rml_folder_temporary(&arena, &folder, &err), &err);
    imu_must(rml_lake_open(folder, &lake, &err), &err);
    double start = imu_seconds();
    imu_must(rml_ingest_recording(lake, rml_str_of(path), &options, NULL, out, &err), &err);
    double seconds = imu_seconds() - start;
    rml_lake_close(lake);
    imu_must(rml_folder_remove(folder.data, &err), &err);
    rml_arena_reset(&arena);
    return seconds;
}

int main(void)
{
    const char *folder = rml_env("TMPDIR");
    for (int images = 0; images < 2; images++) {
        input in = {.images = images == 1, .kind = RML_MCAP_NONE};
        rml_ingest_result made;
        rml_error err = {0};
        snprintf(in.path, sizeof in.path, "%s/bench.mcap", folder == NULL ? "/tmp" : folder);
        make_file(&in);
        double floor = floor_seconds(in.path), seconds = ingest_seconds(in.path, &made);
        double mb = (double)made.bytes * 1e-6;
        rml_bench_line(images ? "ingest_images" : "ingest_signals", mb / seconds, "MB/s",
                       "sha256+read", mb / floor, floor / seconds);
        if (!images) {
            rml_bench_line("ingest_signals_rate", (double)made.messages / seconds * 1e-6,
                           "M messages/s", "sha256+read", (double)made.messages / floor * 1e-6,
                           floor / seconds);
        }
        imu_must(rml_file_remove(in.path, &err), &err);
    }
    return 0;
}
