package example;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/** The function: this file is yours, and Handler.java stays as it is. */
final class Function {
    private Function() {}

    /**
     * One event in, its result out: anything that Jackson can write.
     *
     * @param context which function this is, until when, and for whom
     */
    static Object handle(JsonNode event, JsonNode context) throws Exception {
        if (event.has("echo")) {
            return event.get("echo");
        }
        if (event.path("fail").isTextual()) {
            throw new ExampleError(event.get("fail").textValue());
        }
        if (event.path("name").isTextual()) {
            return Map.of("greeting", "Hello, " + event.get("name").textValue() + "!");
        }
        throw new IllegalArgumentException("the event has no \"name\" that is a string");
    }

    /** The caller gets the class's name as the errorType, and the message. */
    static final class ExampleError extends Exception {
        private static final long serialVersionUID = 1L;

        ExampleError(String message) {
            super(message);
        }
    }
}
