// A console's side of Doorward, in one file and with nothing but the JDK (17 or newer).
//
//     DOORWARD_TOKEN=dwt_... java Console.java http://127.0.0.1:8080 corp-4a zhangsan < password
//
// The rule: only status 200 together with "Doorward-Verdict: accept" lets a user in. Everything else, whatever it is,
// does not. Exit codes: 0 accept, 1 reject, 2 challenge, 3 unavailable, 4 misconfigured, 64 the call itself is wrong.

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;

public final class Console {
    private static final Map<String, Integer> EXIT =
        Map.of("accept", 0, "reject", 1, "challenge", 2, "unavailable", 3, "misconfigured", 4);

    /** A reply: the verdict ("" when the call was faulty) and the body as JSON text. */
    record Verdict(String name, String body) {}

    // No redirects (the default, said aloud): a password must not follow somebody who sends it elsewhere. HttpClient
    // reads no proxy of the environment unless it is given a selector.
    private static final HttpClient CLIENT = HttpClient.newBuilder()
        .followRedirects(HttpClient.Redirect.NEVER)
        .version(HttpClient.Version.HTTP_1_1)
        .connectTimeout(Duration.ofSeconds(2))
        .build();

    /** One login. An IOException means that Doorward could not be reached: nobody is let in then. */
    static Verdict authenticate(String base, String token, String connector, String username, String password)
            throws IOException, InterruptedException {
        String id = URLEncoder.encode(connector, StandardCharsets.UTF_8);
        String body = "{\"username\":" + quoted(username) + ",\"password\":" + quoted(password) + "}";
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + "/v1/connectors/" + id + "/authenticate"))
            .timeout(Duration.ofSeconds(10))
            .header("Authorization", "Bearer " + token)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body, StandardCharsets.UTF_8))
            .build();
        HttpResponse<String> reply = CLIENT.send(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
        String name = reply.headers().firstValue("Doorward-Verdict").orElse("");
        if (name.equals("accept") != (reply.statusCode() == 200)) {
            throw new IOException("status and verdict do not agree; nobody is let in");
        }
        return new Verdict(name, reply.body());
    }

    /** A JSON string (RFC 8259 section 7). */
    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    public static void main(String[] args) throws Exception {
        String token = System.getenv("DOORWARD_TOKEN");
        if (args.length != 3 || token == null) {
            System.err.println("usage: DOORWARD_TOKEN=dwt_... java Console.java URL CONNECTOR USERNAME < password");
            System.exit(64);
        }
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String password = in.readLine();
        Verdict verdict;
        try {
            verdict = authenticate(args[0], token, args[1], args[2], password == null ? "" : password);
        } catch (IOException error) {
            System.err.println("unavailable: " + error.getMessage());
            System.exit(EXIT.get("unavailable"));
            return;
        }
        System.out.println((verdict.name().isEmpty() ? "the call is wrong" : verdict.name()) + ": " + verdict.body());
        System.exit(EXIT.getOrDefault(verdict.name(), 64));
    }
}
