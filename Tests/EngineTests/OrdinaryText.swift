/// Texts as people write them: none of them is to be taken for one that goes wrong.
enum OrdinaryText {
  /// From novels whose rights have ended.
  static let prose = [
    """
    was October again when Anne was ready to go back to school - a glorious October, all red and \
    gold, with mellow mornings when the valleys were filled with delicate mists as if the spirit of \
    autumn had poured them in for the sun to drain - amethyst, pearl, silver, rose, and smoke-blue. \
    The dews were so heavy that the fields glistened like cloth of silver and there were such heaps \
    of rustling leaves in the hollows of many-stemmed woods to run crisply through. The Birch Path \
    was a canopy of yellow and the ferns were sear and brown all along it. There was a tang in the \
    very air that inspired the hearts of small maidens tripping, unlike snails, swiftly and \
    willingly to school; and it WAS jolly to be back again at the little brown desk beside Diana, \
    with Ruby Gillis nodding across the aisle and Carrie Sloane sending up notes and Julia Bell \
    passing a "chew" of gum down from the back seat. Anne drew a long breath of happiness as she \
    sharpened her pencil and arranged her picture cards in her desk. Life was certainly very \
    interesting.
    In the new teacher she found another true and helpful friend. Miss Stacy was a bright, \
    sympathetic young woman with the happy gift of winning and holding the affections of her pupils \
    and bringing out the best that was in them mentally and morally. Anne expanded like a flower \
    under this wholesome influence and carried home to the admiring Matthew and the critical \
    Marilla glowing accounts of schoolwork and aims.
    "I love Miss Stacy with my whole heart, Marilla. She is so ladylike and she has such a sweet \
    voice. When she pronounces my name I feel INSTINCTIVELY that she's spelling it with an E. We \
    had recitations this afternoon. I just wish you could have been there to hear me recite 'Mary, \
    Queen of Scots.' I just put my whole soul into it. Ruby Gillis told me coming home that the way \
    I said the line, 'Now for my father's arm,' she said, 'my woman's heart farewell,' just made \
    her blood run cold."
    "Well now, you might recite it for me some of these days, out in the barn," suggested Matthew.
    "Of course I will," said Anne meditatively, "but I won't be able to do it so well, I know. It \
    won't be so exciting as it is when you have a whole schoolful before you hanging breathlessly \
    on your words. I know I won't be able to make your blood run cold."
    "Mrs. Lynde says it made HER blood run cold to see the boys climbing to the very tops of those \
    big trees on Bell's hill after crows' nests last Friday," said Marilla. "I wonder at Miss Stacy \
    for
    """,
    """
    so many stairs," said Dorothy, gravely.
    "No trouble at all," declared the horse, with a contemptuous neigh. "Still, I don't care to \
    drag any passengers. You'll all have to walk."
    "Suppose the stairs get steeper?" suggested Zeb, doubtfully.
    "Then you'll have to boost the buggy-wheels, that's all," answered Jim.
    "We'll try it, anyway," said the Wizard. "It's the only way to get out of the Valley of Voe."
    So they began to ascend the stairs, Dorothy and the Wizard first, Jim next, drawing the buggy, \
    and then Zeb to watch that nothing happened to the harness.
    The light was dim, and soon they mounted into total darkness, so that the Wizard was obliged to \
    get out his lanterns to light the way. But this enabled them to proceed steadily until they \
    came to a landing where there was a rift in the side of the mountain that let in both light and \
    air. Looking through this opening they could see the Valley of Voe lying far below them, the \
    cottages seeming like toy houses from that distance.
    After resting a few moments they resumed their climb, and still the stairs were broad and low \
    enough for Jim to draw the buggy easily after him. The old horse panted a little, and had to \
    stop often to get his breath. At such times they were all glad to wait for him, for continually \
    climbing up stairs is sure to make one's legs ache.
    They wound about, always going upward, for some time. The lights from the lanterns dimly showed \
    the way, but it was a gloomy journey, and they were pleased when a broad streak of light ahead \
    assured them they were coming to a second landing.
    Here one side of the mountain had a great hole in it, like the mouth of a cavern, and the \
    stairs stopped at the near edge of the floor and commenced ascending again at the opposite edge.
    The opening in the mountain was on the side opposite to the Valley of Voe, and our travellers \
    looked out upon a strange scene. Below them was a vast space, at the bottom of which was a \
    black sea with rolling billows, through which little tongues of flame constantly shot up. Just \
    above them, and almost on a level with their platform, were banks of rolling clouds which \
    constantly shifted position and changed color. The blues and greys were very beautiful, and \
    Dorothy noticed that on the cloud banks sat or reclined fleecy, shadowy forms of beautiful \
    beings who must have been the Cloud Fairies. Mortals who stand upon the earth and look up at \
    the sky cannot often distinguish these forms, but our friends were now so near to the clouds
    """,
    """
    very white - so white that Pollyanna was frightened. She rose uncertainly to her feet.
    "I reckon maybe I'd better go now," she proposed. "I - I hope you'll like - the jelly."
    The man turned his head suddenly, and opened his eyes. There was a curious longing in their \
    dark depths which even Pollyanna saw, and at which she marvelled.
    "And so you are - Miss Polly Harrington's niece," he said gently.
    "Yes, sir."
    Still the man's dark eyes lingered on her face, until Pollyanna, feeling vaguely restless, \
    murmured:
    "I - I suppose you know - her."
    John Pendleton's lips curved in an odd smile.
    "Oh, yes; I know her." He hesitated, then went on, still with that curious smile. "But - you \
    don't mean - you can't mean that it was Miss Polly Harrington who sent that jelly - to me?" he \
    said slowly.
    Pollyanna looked distressed.
    "N-no, sir: she didn't. She said I must be very sure not to let you think she did send it. But \
    I -"
    "I thought as much," vouchsafed the man, shortly, turning away his head. And Pollyanna, still \
    more distressed, tiptoed from the room.
    Under the porte-cochere she found the doctor waiting in his gig. The nurse stood on the steps.
    "Well, Miss Pollyanna, may I have the pleasure of seeing you home?" asked the doctor smilingly. \
    "I started to drive on a few minutes ago; then it occurred to me that I'd wait for you."
    "Thank you, sir. I'm glad you did. I just love to ride," beamed Pollyanna, as he reached out \
    his hand to help her in.
    "Do you?" smiled the doctor, nodding his head in farewell to the young man on the steps. "Well, \
    as near as I can judge, there are a good many things you 'love' to do - eh?" he added, as they \
    drove briskly away.
    Pollyanna laughed.
    "Why, I don't know. I reckon perhaps there are," she admitted. "I like to do 'most everything \
    that's LIVING. Of course I don't like the other things very well - sewing, and reading out \
    loud, and all that. But THEY aren't LIVING."
    "No? What are they, then?"
    "Aunt Polly says they're 'learning to live,'" sighed Pollyanna, with a rueful smile.
    The doctor smiled now - a little queerly.
    "Does she? Well, I should think she might say - just that."
    "Yes," responded Pollyanna. "But I don't see it that way at all. I don't think you have to \
    LEARN how to live. I didn't, anyhow."
    The doctor drew a long sigh.
    "After all, I'm afraid some of us - do have to, little girl," he said. Then, for a time he was \
    silent. Pollyanna, stealing a glance at his face, felt vaguely sorry for him. He looked so sad. \
    She wished, uneasily,
    """,
  ]

  static let list = (1...40).map {
    "\($0). The keeper of lighthouse number \($0) writes the log at \($0 % 12 + 1) o'clock.\n"
  }.joined()

  static let table =
    "| name | height | lit |\n| --- | ---: | --- |\n"
    + (1...30).map { "| tower \($0) | \(20 + $0 * 7 % 13) | \($0 % 3 == 0 ? "yes" : "no") |\n" }
    .joined()

  static let wideTable =
    "|" + String(repeating: " --- |", count: 10) + "\n"
    + (1...10).map { row in
      "|" + (1...10).map { " \(row * $0) |" }.joined() + "\n"
    }.joined()

  static let code = """
    func fill(_ grid: inout [[Int]]) {
      for row in 0..<8 {
        for column in 0..<8 {
          if grid[row][column] == 0 {
            if row > column {
              grid[row][column] = row
            } else {
              grid[row][column] = column
            }
          }
        }
      }
    }

    let start = [
      [0, 0, 0, 1, 0, 0, 0, 0],
      [0, 1, 0, 0, 0, 0, 1, 0],
      [0, 0, 0, 0, 1, 0, 0, 0],
      [1, 0, 0, 0, 0, 0, 0, 1],
    ]

    // ------------------------------------------------------------
    // ============================================================
    """

  static let song =
    "Row, row, row your boat, gently down the stream. Merrily, merrily, merrily, merrily, life is "
    + "but a dream. Row, row, row your boat, gently down the stream. If you see a crocodile, do "
    + "not forget to scream. La la la la la la la la, ha ha ha ha ha ha ha ha, no no no no no no!"

  static var all: [String] { prose + [list, table, wideTable, code, song] }
}
