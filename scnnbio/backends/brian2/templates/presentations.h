// One presentation after another: what a compiled network reads and writes while it runs.
//
// Input spikes come through standard input, one trial at a time. Recordings are written to files at
// once. Between trials the state of everything goes to a checkpoint, from which another process
// continues. Memory therefore does not grow with the number of trials.
#ifndef SCNNBIO_PRESENTATIONS_H
#define SCNNBIO_PRESENTATIONS_H

#include <algorithm>
#include <chrono>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>
#include <unistd.h>

namespace scnnbio {

enum ExitCode { FAILED = 3, INPUT_ENDED = 4, NOT_FINITE = 5 };

// Orders that the program receives before the first trial; program.py has the same layout.
struct Orders {
    int64_t first, last, snapshot_every, watched;
    double checkpoint_seconds;
};

[[noreturn]] inline void stop(const std::string &what) {
    std::fprintf(stderr, "%s: %s\n", what.c_str(), std::strerror(errno));
    std::_Exit(FAILED);
}

// Numbers of the experiment: generated code takes its constants from here (numbers.py).
extern const size_t n_numbers;
extern double numbers[];

inline void read_numbers() {
    const std::string path = "static_arrays/numbers";
    std::FILE *file = std::fopen(path.c_str(), "rb");
    if (!file || std::fread(numbers, sizeof(double), n_numbers, file) != n_numbers)
        stop(path + " cannot be read");
    std::fclose(file);
}

// Either all of it, or none because the input has ended; anything between ends the program.
inline bool read_input(void *to, size_t bytes) {
    const size_t got = std::fread(to, 1, bytes, stdin);
    if (got == bytes) return true;
    if (got) std::_Exit(INPUT_ENDED);
    return false;
}

// A file that only grows; a checkpoint keeps its length.
struct Output {
    std::string path;
    std::FILE *file;
    int64_t events;  // of a file of spikes

    void write(const void *from, size_t bytes) {
        if (std::fwrite(from, 1, bytes, file) != bytes) stop(path + " cannot be written");
    }
    int64_t flush() {
        if (std::fflush(file)) stop(path + " cannot be written");
        return ftello(file);
    }
};

// A checksum of a checkpoint, in which every word has its own odd factor; program.py has it too.
struct Checksum {
    uint64_t total = 0, place = 0;

    void add(const void *data, size_t bytes) {
        const char *from = static_cast<const char *>(data);
        const size_t whole = bytes - bytes % 8;
        uint64_t word;
        for (size_t done = 0; done < whole; done += 8) {
            std::memcpy(&word, from + done, 8);
            take(word);
        }
        if (whole == bytes) return;
        word = 0;
        std::memcpy(&word, from + whole, bytes - whole);
        take(word);
    }

private:
    void take(uint64_t word) { total += (word + 1) * ((place++ * 0x9E3779B97F4A7C15u) | 1u); }
};

// Connections by afferent, in runs of neighbouring targets: the index of the first run of each, and the
// end of the last; of each run the first target, the length, and the index of the first weight; weights.
struct Afferents {
    const int32_t *first, *target, *length, *begin;
    const double *weight;
};

// Memory that belongs to the network's state.
struct Block {
    void *data;
    size_t bytes;
};

// A state of a population, to be checked.
struct Watched {
    std::string name;  // of the population, and of the state
    const void *data;
    size_t count, bytes;  // of one number
};

// Infinite and NaN numbers have all bits of the exponent set. Comparisons would suffice, but a
// compiler option can exclude such numbers.
template <class Word> inline bool any_not_finite(const void *data, size_t count, Word exponent) {
    const char *from = static_cast<const char *>(data);
    Word found = 0;
    for (size_t i = 0; i < count; i++) {
        Word bits;
        std::memcpy(&bits, from + i * sizeof bits, sizeof bits);
        found |= Word((bits & exponent) == exponent);
    }
    return found;
}

class Program {
    typedef std::chrono::steady_clock Clock;
    std::string folder;
    std::vector<Block> blocks;
    std::vector<Output> outputs;
    std::vector<Watched> states;
    std::vector<int32_t> steps, units;
    size_t next_spike;
    // What a projection brings to a drive: whether it is 0, else the latest that is not.
    struct Brought {
        bool none = true;
        std::vector<double> values;
    };
    // Step and number of the drive whose change is next in the input, -1 after the last of a trial, and
    // its size. Of values of neurons: one for each, one for all, or none, for those of the last time
    // that there was one for each. Of sums: the number of projections that bring something new.
    int64_t drive_head[3];
    std::vector<std::vector<Brought> > driven;
    std::vector<int64_t> places;
    std::vector<double> given;
    int64_t trial, drawn;
    pid_t parent;
    Clock::time_point told, saved;

    static double since(Clock::time_point begin) {
        return std::chrono::duration<double>(Clock::now() - begin).count();
    }

    void restore() {
        const std::string path = folder + "state";
        std::FILE *file = std::fopen(path.c_str(), "rb");
        if (!file) stop(path + " cannot be read");
        const auto read = [&](void *to, size_t bytes) {
            if (std::fread(to, 1, bytes, file) != bytes) stop(path + " is too short");
        };
        read(&trial, sizeof trial);
        read(&drawn, sizeof drawn);
        for (auto &output : outputs) {
            int64_t length;
            read(&length, sizeof length);
            read(&output.events, sizeof output.events);
            // What was written after the checkpoint is written again.
            if (std::fseek(output.file, 0, SEEK_END) || ftello(output.file) < length ||
                ftruncate(fileno(output.file), length) || std::fseek(output.file, 0, SEEK_END))
                stop(output.path + " is shorter than its checkpoint says");
        }
        for (auto &block : blocks) read(block.data, block.bytes);
        uint64_t checked;  // before this program began
        read(&checked, sizeof checked);
        if (std::fgetc(file) != EOF) stop(path + " is too long");
        std::fclose(file);
        if (trial != orders.first) stop(path + " is of another trial");
    }

    // Under another name first: a checkpoint is there whole, or the one before it is.
    void save() {
        const std::string path = folder + "state", draft = path + ".new";
        std::FILE *file = std::fopen(draft.c_str(), "wb");
        if (!file) stop(draft + " cannot be written");
        Checksum sum;
        const auto write = [&](const void *from, size_t bytes) {
            if (std::fwrite(from, 1, bytes, file) != bytes) stop(draft + " cannot be written");
            sum.add(from, bytes);
        };
        write(&trial, sizeof trial);
        write(&drawn, sizeof drawn);
        for (auto &output : outputs) {
            const int64_t length = output.flush();
            if (fsync(fileno(output.file))) stop(output.path + " cannot be written");
            write(&length, sizeof length);
            write(&output.events, sizeof output.events);
        }
        for (const auto &block : blocks) write(block.data, block.bytes);
        const uint64_t total = sum.total;
        write(&total, sizeof total);
        if (std::fflush(file) || fsync(fileno(file)) || std::fclose(file))
            stop(draft + " cannot be written");
        if (std::rename(draft.c_str(), path.c_str())) stop(path + " cannot be written");
        saved = Clock::now();
    }

public:
    Orders orders;

    void begin(const std::string &where, const std::vector<std::string> &names) {
        folder = where;
        parent = getppid();
        told = saved = Clock::now();
        if (!read_input(&orders, sizeof orders)) std::_Exit(INPUT_ENDED);
        trial = orders.first;
        drawn = 0;
        for (const auto &name : names) {
            const std::string path = folder + name;
            std::FILE *file = std::fopen(path.c_str(), orders.first ? "r+b" : "wb");
            if (!file) stop(path + " cannot be opened");
            outputs.push_back(Output{path, file, 0});
        }
    }

    template <class T> void keep(T *data, size_t count) {
        blocks.push_back(Block{data, count * sizeof(T)});
    }

    template <class T> void watch(const char *name, const T *data, size_t count) {
        states.push_back(Watched{name, data, count, sizeof(T)});
    }

    // Whether this is the trial that is checked after every step.
    bool watches() const { return trial == orders.watched; }

    // Ends the program if a state is NaN or infinite after this number of steps of the trial.
    void look(long long step) const {
        for (const auto &state : states) {
            const char *at = static_cast<const char *>(state.data);
            const auto found = [&](size_t from, size_t count) {
                const void *data = at + from * state.bytes;
                return state.bytes == 8
                    ? any_not_finite<uint64_t>(data, count, uint64_t(0x7ff) << 52)
                    : any_not_finite<uint32_t>(data, count, uint32_t(0xff) << 23);
            };
            if (!found(0, state.count)) continue;
            size_t neuron = 0;
            while (!found(neuron, 1)) neuron++;
            std::fprintf(stderr, "not finite: %s %zu %lld %lld\n", state.name.c_str(), neuron,
                         static_cast<long long>(trial), step);
            std::fflush(stderr);
            std::_Exit(NOT_FINITE);
        }
    }

    void start() {
        if (orders.first) restore();
    }

    Output &output(int number) { return outputs[number]; }

    // Reads the spikes of the next trial, if there is one.
    bool next() {
        if (trial == orders.last) return false;
        // If the parent process was killed, the results are not needed.
        if (getppid() != parent) std::_Exit(INPUT_ENDED);
        int64_t count;
        if (!read_input(&count, sizeof count)) std::_Exit(INPUT_ENDED);
        steps.resize(count);
        units.resize(count);
        const size_t bytes = count * sizeof(int32_t);
        if (count && !(read_input(steps.data(), bytes) && read_input(units.data(), bytes)))
            std::_Exit(INPUT_ENDED);
        drawn += count;
        next_spike = 0;
        progress(0);
        return true;
    }

    // Copies the units that fire in a step of this trial, and returns their number.
    int fire(int32_t step, int32_t *to) {
        int count = 0;
        for (; next_spike < steps.size() && steps[next_spike] == step; next_spike++)
            to[count++] = units[next_spike];
        return count;
    }

    // The same for one of several sources, whose units are those from `first` to before `end`.
    // Sources are asked in this order, so that each finds its spikes where the one before ended.
    int fire_share(int32_t step, int32_t first, int32_t end, int32_t *to) {
        int count = 0;
        for (; next_spike < steps.size() && steps[next_spike] == step && units[next_spike] < end;
             next_spike++)
            to[count++] = units[next_spike] - first;
        return count;
    }

    // Sets a driven state to the values that hold from a step of this trial on, if there are new
    // ones. Values come in the order of the calls; every drive has values for step 0.
    template <class T> void drive(int64_t step, int64_t number, T *to, size_t count) {
        if (!drives(step, number, 1)) return;
        auto &values = driven[number][0].values;
        const size_t size = drive_head[2];
        double all;
        if (size == count) values.resize(count);
        if (size) read_all(size == 1 ? &all : values.data(), size);
        if (size == 1) std::fill(to, to + count, T(all));
        else if (values.size() == count) std::copy(values.begin(), values.end(), to);
        else std::_Exit(INPUT_ENDED);
        next_drive();
    }

    // The same, with values that are sums: of those without drive, and of what each projection brings.
    // They are added in this order, and within a projection in the order of its afferents.
    template <class T> void drive_sum(int64_t step, int64_t number, T *to, size_t count,
                                      const double *base, const Afferents *projections, size_t n) {
        if (!drives(step, number, n)) return;
        auto &parts = driven[number];
        for (int64_t left = drive_head[2]; left; left--) {
            int64_t head[2];  // number of the projection, and of its afferents that are not 0
            read_all(head, 2);
            if (size_t(head[0]) >= n) std::_Exit(INPUT_ENDED);
            auto &part = parts[head[0]];
            part.none = head[1] == -1;
            if (head[1] > 0) collect(head[1], projections[head[0]], count, part.values);
        }
        if (n == 1 && !parts[0].none) {
            const double *one = parts[0].values.data();
            for (size_t i = 0; i < count; i++) to[i] = T(base[i] + one[i]);
        } else if (n == 2 && !parts[0].none && !parts[1].none) {
            const double *one = parts[0].values.data(), *two = parts[1].values.data();
            for (size_t i = 0; i < count; i++) to[i] = T(base[i] + one[i] + two[i]);
        } else {
            for (size_t i = 0; i < count; i++) {
                double sum = base[i];
                for (const auto &part : parts) sum += part.none ? 0.0 : part.values[i];
                to[i] = T(sum);
            }
        }
        next_drive();
    }

private:
    // Whether a drive changes in this step.
    bool drives(int64_t step, int64_t number, size_t parts) {
        if (step == 0 && number == 0) next_drive();
        if (drive_head[0] != step || drive_head[1] != number) return false;
        if (driven.size() <= size_t(number)) driven.resize(number + 1);
        driven[number].resize(parts);
        return true;
    }

    template <class T> void read_all(T *to, size_t count) {
        if (!read_input(to, count * sizeof(T))) std::_Exit(INPUT_ENDED);
    }

    void collect(size_t n, const Afferents &by, size_t count, std::vector<double> &sums) {
        places.resize(n);
        given.resize(n);
        read_all(places.data(), n);
        read_all(given.data(), n);
        sums.assign(count, 0.0);
        for (size_t k = 0; k < n; k++) {
            const double value = given[k];
            for (int32_t run = by.first[places[k]]; run < by.first[places[k] + 1]; run++) {
                double *__restrict to = sums.data() + by.target[run];
                const double *__restrict weight = by.weight + by.begin[run];
                const int32_t length = by.length[run];
                for (int32_t i = 0; i < length; i++) to[i] += weight[i] * value;
            }
        }
    }

    void next_drive() {
        read_all(drive_head, 3);
    }

public:

    // Tells how far the run is, a few times a second; `part` is the share of this trial.
    void progress(double part) {
        if (since(told) < 0.2) return;
        told = Clock::now();
        std::FILE *file = std::fopen((folder + "progress").c_str(), "w");
        if (!file) return;
        std::fprintf(file, "%.3f\n", trial + part);
        std::fclose(file);
    }

    // Ends a trial with this number of steps.
    void done(long long steps) {
        look(steps);
        trial++;
        if (since(saved) >= orders.checkpoint_seconds) save();
    }

    void finish() {
        save();
        for (auto &output : outputs)
            if (std::fclose(output.file)) stop(output.path + " cannot be written");
    }
};

inline Program &program() {
    static Program only;
    return only;
}

// Clocks of different periods count their own steps, and after some hundred seconds the products
// of step and period differ by more than Brian2 tolerates: operations at the beginning of a trial
// would run after its first step. All existing clocks begin the trial at the same instant.
template <class C> void align(const C &main, const std::vector<C *> &clocks) {
    for (C *clock : clocks)
        if (std::fabs(clock->t[0] - main.t[0]) < 0.5 * main.dt[0]) clock->t[0] = main.t[0];
}

}  // namespace scnnbio

#endif
