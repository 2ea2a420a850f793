import CKernels
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
}
