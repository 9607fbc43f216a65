package example;

import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.util.JsonParserDelegate;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** The loop around the function: a request in, a reply out, until the input ends. */
public final class Handler {
    /**
     * Numbers stay as they were written: exact, with 1.10 as 1.10.
     *
     * <p>Jackson refuses to write half a surrogate pair as UTF-8, but JSON allows it. So what lies
     * from the surrogates upwards is written as \\uXXXX, and all below as it is.
     */
    private static final JsonMapper JSON =
            JsonMapper.builder(new JsonFactoryBuilder().highestNonEscapedChar(0xD7FF).build())
                    .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                    .nodeFactory(JsonNodeFactory.withExactBigDecimals(true))
                    .build();

    private Handler() {}

    public static void main(String[] arguments) {
        // Jackson stops at 1,000 levels, and that would end the program. It reads any number of
        // them, and where writing them overflows the stack, the function fails as by any exception.
        StreamReadConstraints.overrideDefaultStreamReadConstraints(
                StreamReadConstraints.builder().maxNestingDepth(Integer.MAX_VALUE).build());

        // Java 17 prints in the locale's encoding, which is ASCII in Lambda: UTF-8 is named here.
        // What anyone prints is a log, so that it can never land in a reply.
        OutputStream errors = new FileOutputStream(FileDescriptor.err);
        PrintStream log = new PrintStream(errors, true, StandardCharsets.UTF_8);
        System.setErr(log);
        System.setOut(log);

        // A thread that the function left behind would keep the program alive, but for the exit.
        try {
            serve(new FileInputStream(FileDescriptor.in), new FileOutputStream(FileDescriptor.out));
            System.exit(0);
        } catch (Throwable e) {
            e.printStackTrace();
            System.exit(1);
        }
    }

    /** Jackson reads the bytes itself, as UTF-8, and needs no line ends to tell requests apart. */
    private static void serve(InputStream input, OutputStream output) throws IOException {
        JsonParser parser = new JsonParserDelegate(JSON.createParser(input)) {
            /** Jackson 2.14 takes 1e400 for one and makes it "Infinity"; JSON itself has none. */
            @Override
            public boolean isNaN() {
                return false;
            }
        };
        MappingIterator<ObjectNode> requests = JSON.readerFor(ObjectNode.class).readValues(parser);
        // What is no JSON throws out of this loop and ends the program, with its reason in the log:
        // nothing tells whose request it was, and so the caller at least hears of it at once.
        while (requests.hasNextValue()) {
            ObjectNode request = requests.nextValue();
            byte[] reply;
            try {
                Object result = Function.handle(request.get("event"), request.get("context"));
                reply = reply(request, "result", result);
            } catch (Throwable e) {
                reply = reply(request, "error", error(e));
            }
            // One write for the whole line, so there is no buffer to flush.
            output.write(reply);
        }
    }

    private static byte[] reply(ObjectNode request, String member, Object value)
            throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(line)) {
            json.writeStartObject();
            json.writeObjectField("id", request.get("id"));
            json.writeObjectField(member, value);
            json.writeEndObject();
            json.writeRaw('\n');
        }
        return line.toByteArray();
    }

    private static ObjectNode error(Throwable e) {
        ObjectNode error = JSON.createObjectNode();
        error.put("errorType", e.getClass().getSimpleName());
        error.put("errorMessage", e.getMessage() == null ? e.toString() : e.getMessage());
        ArrayNode stackTrace = error.putArray("stackTrace");
        for (StackTraceElement frame : e.getStackTrace()) {
            stackTrace.add(frame.toString());
        }
        return error;
    }
}
