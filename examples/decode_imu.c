// The IMU messages of a recording as columns, and the mean of one of them: decode_imu FILE…
#include <stdio.h>

#include "roadmill/roadmill.h"

static rml_status decode(rml_log *log, rml_message_plan *plan, rml_batch *batch, rml_error *err)
{
    rml_log_message m;
    rml_status st;
    while ((st = rml_log_next(log, &m, err)) == RML_OK) {
        const rml_log_channel *c = rml_log_channel_of(log, &m);
        if (rml_str_equal(c->schema_name, RML_STR("sensor_msgs/msg/Imu"))) {
            RML_TRY(rml_message_decode(plan, m.data, (rml_place){0}, batch->columns, err));
            RML_TRY(rml_batch_row_end(batch, err));
        }
    }
    return st == RML_END ? RML_OK : st;
}

int main(int argc, char **argv)
{
    rml_error err = {0};
    rml_log *log = NULL;
    rml_message_plan *plan = NULL;
    rml_batch batch = {0};
    rml_str type = RML_STR("sensor_msgs/msg/Imu");
    rml_status st = rml_message_compile_ros2(type, rml_message_builtin(type), type, &plan, &err);
    st = st ? st : rml_batch_init(&batch, rml_message_schema(plan), &err);
    for (int i = 1; st == RML_OK && i < argc; i++) {
        st = rml_log_open(rml_str_of(argv[i]), NULL, &log, &err);
        st = st ? st : decode(log, plan, &batch, &err);
        rml_log_close(log);
        log = NULL;
    }
    if (st == RML_OK) {
        const rml_column *z = &rml_batch_column(&batch, "linear_acceleration")->children[2];
        double sum = 0;
        for (size_t i = 0; i < batch.count; i++) {
            sum += rml_column_get_f64(z, i);
        }
        printf("%zu rows, mean acceleration along z %.3f m/s2\n", batch.count,
               batch.count == 0 ? 0 : sum / (double)batch.count);
    } else {
        fprintf(stderr, "%s: %s\n", err.place, err.what);
    }
    rml_batch_reset(&batch);
    rml_message_plan_free(plan);
    return st == RML_OK ? 0 : 1;
}
