import RefundCore
import RefundPayCloud
import Testing

struct SigningStringTests {
    static let strings: [(object: String, signed: String)] = [
        ("{}", ""), (#"{"sign":"x"}"#, ""), (#"{"b":"2","a":"1"}"#, "a=1&b=2"),
        // What is left out.
        (#"{"a":null,"b":"","c":"1","sign":"s"}"#, "c=1"),
        (#"{"SIGN":"s","Sign":"s","sIgN":1,"signs":"1"}"#, "signs=1"),
        (#"{"sign ":"1","assign":"2"}"#, "assign=2&sign =1"),
        // What is kept.
        (#"{"a":" ","b":"null","c":"0"}"#, "a= &b=null&c=0"), (#"{"a":"\t"}"#, "a=\t"), (#"{"":"x"}"#, "=x"),
        (#"{"a":"@x"}"#, "a=@x"),
        // Values as they stand on the wire, strings unescaped.
        (#"{"a":1,"b":1.0,"c":1.00,"d":-0,"e":1E+2}"#, "a=1&b=1.0&c=1.00&d=-0&e=1E+2"),
        (#"{"a":true,"b":false}"#, "a=true&b=false"), (#"{"a":"\u00e9\/\n\"","b":"é"}"#, "a=é/\n\"&b=é"),
        (#"{"a":{ "y":1, "x" : null },"b":[ ]}"#, #"a={ "y":1, "x" : null }&b=[ ]"#),
        (#"{"data":"{\"a\":\"b\"}"}"#, #"data={"a":"b"}"#), (#"{"a":{},"b":[]}"#, "a={}&b=[]"),
        (#"{"a":"x=1&y=2 %20+"}"#, "a=x=1&y=2 %20+"), (#"{"data":{"sign":"kept"}}"#, #"data={"sign":"kept"}"#),
        // Names in the order of their bytes, neither of the alphabet nor of UTF-16.
        (#"{"b":1,"B":2,"a":3,"_":4,"1":5,"a1":6,"a_":7,"aB":8}"#, "1=5&B=2&_=4&a=3&a1=6&aB=8&a_=7&b=1"),
        (#"{"é":1,"z":2,"e\u0301":3}"#, "e\u{301}=3&z=2&é=1"), (#"{"\ud83d\ude00":1,"\ufffd":2}"#, "\u{FFFD}=2&😀=1"),
    ]

    @Test(arguments: strings)
    func membersAreSortedAndJoined(object: String, signed: String) throws {
        let bytes = SigningString.bytes(of: try JSONObject(parsing: object))
        #expect(bytes == Array(signed.utf8), "\(String(decoding: bytes, as: UTF8.self))")
    }

    @Test func orderOnTheWireDecidesNothing() throws {
        var random = SplitMix64(seed: 2)
        var members = [#""app_id":"wz1""#, #""data":"{}""#, #""code":"0""#, #""msg":"ok""#, #""timestamp":1"#]
        let first = SigningString.bytes(of: try JSONObject(parsing: "{\(members.joined(separator: ","))}"))
        for _ in 0..<50 {
            members.shuffle(using: &random)
            let object = try JSONObject(parsing: "{\(members.joined(separator: ","))}")
            #expect(SigningString.bytes(of: object) == first)
        }
    }
}
