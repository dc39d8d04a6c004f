// Decoding CDR into columns against the floor: a memcpy of the same messages into one block.
#include "bench.h"
#include "imu.h"

#define MESSAGES 2000
#define ROUNDS 3000

int main(void)
{
    rml_error err = {0};
    rml_message_plan *plan;
    rml_message_decoder *decoder;
    rml_batch batch;
    rml_str name = RML_STR("sensor_msgs/msg/Imu");
    uint8_t *messages = rml_heap_make((size_t)MESSAGES * IMU_SIZE);
    uint8_t *block = rml_heap_make((size_t)MESSAGES * IMU_SIZE);
    size_t len = 0;
    for (uint64_t i = 0; i < MESSAGES; i++) {
        len = imu_make(i, messages + i * IMU_SIZE);
    }
    imu_must(rml_message_compile_ros2(name, rml_message_builtin(name), name, &plan, &err), &err);
    imu_must(rml_batch_init(&batch, rml_message_schema(plan), &err), &err);
    imu_must(rml_message_decoder_make(plan, batch.columns, &decoder, &err), &err);
    double best = 1e9, floor = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double start = imu_seconds();
        for (size_t i = 0; i < MESSAGES; i++) {
            memcpy(block + i * len, messages + i * IMU_SIZE, len);
        }
        double between = imu_seconds();
        rml_batch_clear(&batch);
        for (size_t i = 0; i < MESSAGES; i++) {
            imu_must(rml_message_decoder_next(
                         decoder, rml_bytes_of(messages + i * IMU_SIZE, len), (rml_place){0}, &err),
                     &err);
        }
        double end = imu_seconds();
        floor = between - start < floor ? between - start : floor;
        best = end - between < best ? end - between : best;
    }
    double mb = (double)len * MESSAGES * 1e-6;
    if (block[len * MESSAGES - 1] != messages[(MESSAGES - 1) * IMU_SIZE + len - 1]) {
        return 1;
    }
    rml_bench_line("decode imu", mb / best, "MB/s", "memcpy", mb / floor, floor / best);
    rml_bench_line("decode imu", MESSAGES / best * 1e-6, "M messages/s", "memcpy",
                   MESSAGES / floor * 1e-6, floor / best);
    rml_message_decoder_free(decoder);
    rml_batch_reset(&batch);
    rml_message_plan_free(plan);
    rml_heap_free(messages);
    rml_heap_free(block);
    return 0;
}
