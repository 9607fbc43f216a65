import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A Lambda function in Java, which has no JSON of its own: this one takes what it needs out of the line. */
public final class Handler {
    private static final Pattern REQUEST =
            Pattern.compile("\\{\"id\":\"([a-z0-9]+)\",\"event\":\\{\"name\":(\"[^\"\\\\]*\")\\}");

    public static void main(String[] arguments) throws IOException {
        // The locale's charset would do otherwise, and Lambda's is none.
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null; ) {
            Matcher request = REQUEST.matcher(line);
            if (request.find()) {
                String name = request.group(2).substring(1, request.group(2).length() - 1);
                out.println("{\"id\":\"" + request.group(1) + "\",\"result\":{\"greeting\":\"Hello, "
                        + name + "!\"}}");
            }
        }
    }
}
