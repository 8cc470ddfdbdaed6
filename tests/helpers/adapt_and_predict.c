/* Labels image files by one example of each class, through TensorFlow's C API alone.
 *
 *   adapt_and_predict VERSION_FOLDER LABEL PROBABILITIES SUPPORT_IMAGE... -- QUERY_IMAGE...
 *
 * The support images are of classes 0, 1, 2, ... LABEL and PROBABILITIES are the tensors of these
 * outputs, such as StatefulPartitionedCall_2:0. `saved_model_cli show --tag_set serve
 * --signature_def adapt_and_predict_bytes --dir VERSION_FOLDER` names them.
 * Prints for each query its label and the probability of each class. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

#define SIGNATURE "adapt_and_predict_bytes"

static void fail(const char *subject, const char *message) {
    fprintf(stderr, "%s: %s\n", subject, message);
    exit(1);
}

static void check(TF_Status *status, const char *subject) {
    if (TF_GetCode(status) != TF_OK) fail(subject, TF_Message(status));
}

static void read_file(const char *path, TF_TString *string) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) fail(path, "cannot be opened");
    long size = ftell(file);
    rewind(file);
    char *content = size < 0 ? NULL : malloc(size + 1); /* one more: no file is too empty */
    if (!content || fread(content, 1, size, file) != (size_t)size) fail(path, "cannot be read");
    fclose(file);
    TF_StringInit(string);
    TF_StringCopy(string, content, size);
    free(content);
}

/* Dimension 0 of everything is tasks: here one. */
static TF_Tensor *images(char **paths, int64_t count) {
    const int64_t shape[] = {1, count};
    TF_Tensor *tensor = TF_AllocateTensor(TF_STRING, shape, 2, count * sizeof(TF_TString));
    TF_TString *strings = TF_TensorData(tensor);
    for (int64_t i = 0; i < count; i++) read_file(paths[i], strings + i);
    return tensor;
}

static TF_Tensor *labels(int64_t count) {
    const int64_t shape[] = {1, count};
    TF_Tensor *tensor = TF_AllocateTensor(TF_INT32, shape, 2, count * sizeof(int32_t));
    for (int64_t i = 0; i < count; i++) ((int32_t *)TF_TensorData(tensor))[i] = i;
    return tensor;
}

/* The tensor that is called "operation:index", or "operation" for index 0. */
static TF_Output end(TF_Graph *graph, const char *name) {
    char operation[256];
    const char *colon = strchr(name, ':');
    snprintf(operation, sizeof operation, "%.*s", (int)strcspn(name, ":"), name);
    TF_Output output = {TF_GraphOperationByName(graph, operation), colon ? atoi(colon + 1) : 0};
    if (!output.oper) fail(name, "not found in the model");
    return output;
}

int main(int argc, char **argv) {
    int dashes = 4;
    while (dashes < argc && strcmp(argv[dashes], "--")) dashes++;
    if (dashes == 4 || dashes >= argc - 1)
        fail("usage", "VERSION_FOLDER LABEL PROBABILITIES SUPPORT_IMAGE... -- QUERY_IMAGE...");
    char **support = argv + 4, **queries = argv + dashes + 1;
    int64_t num_support = dashes - 4, num_queries = argc - dashes - 1;

    TF_Status *status = TF_NewStatus();
    TF_Graph *graph = TF_NewGraph();
    const char *tags[] = {"serve"};
    TF_Session *session = TF_LoadSessionFromSavedModel(
        TF_NewSessionOptions(), NULL, argv[1], tags, 1, graph, NULL, status);
    check(status, argv[1]);

    const char *support_x = SIGNATURE "_support_x_bytes", *query_x = SIGNATURE "_query_x_bytes";
    TF_Output inputs[] = {end(graph, support_x), end(graph, SIGNATURE "_support_y"),
                          end(graph, query_x)};
    TF_Tensor *request[] = {images(support, num_support), labels(num_support),
                            images(queries, num_queries)};
    TF_Output outputs[] = {end(graph, argv[2]), end(graph, argv[3])};
    TF_Tensor *answer[2];
    TF_SessionRun(session, NULL, inputs, request, 3, outputs, answer, 2, NULL, 0, NULL, status);
    check(status, SIGNATURE);

    const int32_t *label = TF_TensorData(answer[0]);
    const float *probability = TF_TensorData(answer[1]); /* (1, queries, classes) */
    for (int64_t i = 0; i < num_queries; i++) {
        printf("%d", label[i]);
        for (int64_t c = TF_Dim(answer[1], 2); c > 0; c--) printf(" %.9g", *probability++);
        printf("\n");
    }
    return 0; /* and with it everything is freed */
}
