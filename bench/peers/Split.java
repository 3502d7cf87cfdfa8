import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The chat model's split of a message class in Java, whose virtual machine does not change the shape of instances: the application copies each
 * into one of the new class, by hand, in the array that holds them all.
 *
 * Prints: split, whether all is right, nanoseconds of the stop, of the stop and a first pass, and the peak of resident bytes.
 */
public class Split {
    static class Room {}

    static class User {}

    static final class Message {
        final User sender;
        final Room room;
        final Integer text;

        Message(User sender, Room room, Integer text) {
            this.sender = sender;
            this.room = room;
            this.text = text;
        }
    }

    abstract static class AnyMessage {
        final Room room;
        final Integer text;

        AnyMessage(Room room, Integer text) {
            this.room = room;
            this.text = text;
        }
    }

    static final class InfoMessage extends AnyMessage {
        InfoMessage(Room room, Integer text) {
            super(room, text);
        }
    }

    static final class UserMessage extends AnyMessage {
        final User sender;

        UserMessage(User sender, Room room, Integer text) {
            super(room, text);
            this.sender = sender;
        }
    }

    static void split(Object[] messages) {
        for (int i = 0; i < messages.length; i++) {
            Message old = (Message) messages[i];
            messages[i] = old.sender == null
                    ? new InfoMessage(old.room, old.text)
                    : new UserMessage(old.sender, old.room, old.text);
        }
    }

    static long pass(Object[] messages) {
        long texts = 0;
        for (Object message : messages) {
            texts += ((AnyMessage) message).text;
        }
        return texts;
    }

    static Object[] messages(int count, User sender, Room room) {
        Object[] messages = new Object[count];
        for (int i = 0; i < count; i++) {
            messages[i] = new Message(i % 2 == 1 ? sender : null, room, i);
        }
        return messages;
    }

    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[0]);
        User sender = new User();
        Room room = new Room();
        // The compiler has seen the loops, as in a program that runs.
        for (int i = 0; i < 20; i++) {
            Object[] few = messages(100_000, sender, room);
            split(few);
            pass(few);
        }
        Object[] messages = messages(count, sender, room);
        System.gc();
        long start = System.nanoTime();
        split(messages);
        long stop = System.nanoTime() - start;
        long texts = pass(messages);
        long total = System.nanoTime() - start;
        boolean right = texts == (long) count * (count - 1) / 2;
        for (int i = 0; i < count; i++) {
            right &= i % 2 == 1 ? messages[i] instanceof UserMessage : messages[i] instanceof InfoMessage;
        }
        long peak = 0;
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM")) {
                peak = Long.parseLong(line.replaceAll("\\D", "")) * 1024;
            }
        }
        System.out.println(String.join("\t", "split", right ? "1" : "0", "" + stop, "" + total, "" + peak));
    }
}
