import CKernels
import Foundation
import Testing

@Suite struct PoolTests {
  @Test("every item is worked on exactly once, whatever the threads, items and grain")
  func coverage() throws {
    for threads in 1...4 {
      let pool = try #require(spark_pool_create(Int32(threads)))
      defer { spark_pool_destroy(pool) }
      #expect(spark_pool_threads(pool) == Int32(threads))
      for items in [0, 1, 2, 7, 64, 1000] {
        for grain in [0, 1, 3, 64, 2000] {
          for _ in 0..<20 {
            var visits = [Int32](repeating: 0, count: items + 1)
            visits.withUnsafeMutableBufferPointer { buffer in
              spark_pool_run(
                pool,
                { context, begin, end in
                  let visits = context!.assumingMemoryBound(to: Int32.self)
                  for item in begin..<end { visits[item] += 1 }
                }, buffer.baseAddress!, items, grain)
            }
            #expect(visits.dropLast().allSatisfy { $0 == 1 } && visits.last == 0)
          }
        }
      }
    }
  }

  @Test(
    "any number of threads may be asked for between runs, and every item is still worked on once")
  func changingThreads() throws {
    let pool = try #require(spark_pool_create(4))
    defer { spark_pool_destroy(pool) }
    var wrong = 0
    for round in 0..<3000 {
      spark_pool_use(pool, Int32(round * 7 % 6))
      var visits = [Int32](repeating: 0, count: 64)
      visits.withUnsafeMutableBufferPointer { buffer in
        spark_pool_run(
          pool,
          { context, begin, end in
            let visits = context!.assumingMemoryBound(to: Int32.self)
            for item in begin..<end { visits[item] += 1 }
          }, buffer.baseAddress!, 64, 3)
      }
      if !visits.allSatisfy({ $0 == 1 }) { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  /// Who worked on what, as tasks note it.
  private struct Notes {
    var caller: pthread_t
    var visits: UnsafeMutablePointer<Int32>
    /// Whether anyone but the caller worked, for each item.
    var helpers: UnsafeMutablePointer<Bool>
  }

  @Test("a thread that keeps the caller waiting is left out for a while, and no item with it")
  func givingWay() throws {
    let pool = try #require(spark_pool_create(2))
    defer { spark_pool_destroy(pool) }
    let (runs, items) = (50, 8)
    var (helped, wrong) = (0, 0)
    for _ in 0..<runs {
      var visits = [Int32](repeating: 0, count: items)
      var helpers = [Bool](repeating: false, count: items)
      visits.withUnsafeMutableBufferPointer { visits in
        helpers.withUnsafeMutableBufferPointer { helpers in
          var notes = Notes(
            caller: pthread_self(), visits: visits.baseAddress!, helpers: helpers.baseAddress!)
          spark_pool_run(
            pool,
            { context, begin, end in
              let notes = context!.load(as: Notes.self)
              // The worker is as slow as one whose core somebody else has.
              let isCaller = pthread_equal(pthread_self(), notes.caller) != 0
              usleep(isCaller ? 200 : 20_000)
              for item in begin..<end {
                notes.visits[item] += 1
                notes.helpers[item] = !isCaller
              }
            }, &notes, items, 1)
        }
      }
      if helpers.contains(true) { helped += 1 }
      if !visits.allSatisfy({ $0 == 1 }) { wrong += 1 }
    }
    #expect(wrong == 0)
    #expect(helped < runs / 2, "the worker held up \(helped) of \(runs) runs")
  }

  @Test("threads are back when they have rested")
  func comingBack() throws {
    let pool = try #require(spark_pool_create(3))
    defer { spark_pool_destroy(pool) }
    // Every worker keeps the caller waiting once or twice, then none does.
    var (slow, helped) = (0, 0)
    for run in 0..<2000 where helped < 3 {
      let isSlow = run < 3
      var helpers = [Bool](repeating: false, count: 64)
      var visits = [Int32](repeating: 0, count: 64)
      visits.withUnsafeMutableBufferPointer { visits in
        helpers.withUnsafeMutableBufferPointer { helpers in
          var notes = Notes(
            caller: pthread_self(), visits: visits.baseAddress!, helpers: helpers.baseAddress!)
          let quick: spark_task = { context, begin, end in
            let notes = context!.load(as: Notes.self)
            usleep(100)
            for item in begin..<end {
              notes.helpers[item] = pthread_equal(pthread_self(), notes.caller) == 0
            }
          }
          let slowly: spark_task = { context, begin, end in
            let notes = context!.load(as: Notes.self)
            let isCaller = pthread_equal(pthread_self(), notes.caller) != 0
            usleep(isCaller ? 100 : 15_000)
            for item in begin..<end { notes.helpers[item] = !isCaller }
          }
          spark_pool_run(pool, isSlow ? slowly : quick, &notes, 64, 1)
        }
      }
      if helpers.contains(true) { if isSlow { slow += 1 } else { helped += 1 } }
    }
    #expect(slow > 0 && helped == 3)
  }

  @Test("workers are confined to processors that there are, and to no others")
  func confinement() throws {
    let pool = try #require(spark_pool_create(3))
    defer { spark_pool_destroy(pool) }
    #expect(!spark_pool_confine(pool, [], 0))
    #expect(!spark_pool_confine(pool, [-1, 1 << 14], 2))
    let allowed = try #require(Self.allowed("/proc/self/status"))
    let first = try #require(Int32(allowed.prefix { $0.isNumber }))
    #expect(spark_pool_confine(pool, [first], 1))
    let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
    let confined = tasks.filter { Self.allowed("/proc/self/task/\($0)/status") == "\(first)" }
    #expect(confined.count >= 2)
    // More processors than there are stand for those that there are.
    #expect(spark_pool_confine(pool, [first, 4000], 2))
  }

  /// The affinity mask that a status file tells, as a list.
  private static func allowed(_ path: String) -> Substring? {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }?
      .split(separator: "\t").last
  }
}
