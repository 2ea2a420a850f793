import com.github.benmanes.caffeine.cache.Caffeine;
import java.nio.file.Files;
import java.nio.file.Path;

/** Replays a trace of spark through Caffeine: prints the hits for each number of entries. */
public final class CaffeineReplay {
  /** Arguments: the trace's path, then each number of entries that a cache may hold. */
  public static void main(String[] arguments) throws Exception {
    long[] keys =
        Files.lines(Path.of(arguments[0]))
            .skip(1)
            .filter(line -> !line.isEmpty() && !line.startsWith("#"))
            .mapToLong(line -> Long.parseUnsignedLong(line.substring(0, line.indexOf(' '))))
            .toArray();
    for (int i = 1; i < arguments.length; i++) {
      var cache =
          Caffeine.newBuilder()
              .maximumSize(Long.parseLong(arguments[i]))
              .executor(Runnable::run)
              .<Long, Boolean>build();
      long hits = 0;
      for (long key : keys) {
        if (cache.getIfPresent(key) != null) {
          hits++;
        } else {
          cache.put(key, true);
        }
        // Otherwise hits wait in a buffer, and some are lost when it is full.
        cache.cleanUp();
      }
      System.out.println(hits);
    }
  }
}
