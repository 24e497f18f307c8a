import CCurl
import Glibc

// The functions that libcurl calls. Their context is the `Transfer` that the client's thread keeps alive meanwhile.

/// Takes a part of the body; any other number than that of its bytes makes libcurl end the exchange.
func receiveBody(
    bytes: UnsafeMutablePointer<CChar>?,
    size: Int,
    count: Int,
    context: UnsafeMutableRawPointer?
) -> Int {
    guard let transfer = unsafe transfer(context) else { return 0 }
    let part = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
    return unsafe transfer.receive(bodyPart: part) ? part.count : 0
}

/// Takes a line of the header.
func receiveHeaderLine(
    bytes: UnsafeMutablePointer<CChar>?,
    size: Int,
    count: Int,
    context: UnsafeMutableRawPointer?
) -> Int {
    guard let transfer = unsafe transfer(context) else { return 0 }
    let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
    unsafe transfer.receive(headerLine: line)
    return line.count
}

/// Opens the socket for one address, unless the address is refused.
func openSocket(
    context: UnsafeMutableRawPointer?,
    purpose: curlsocktype,
    address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    guard let transfer = unsafe transfer(context), let address = unsafe address else { return CURL_SOCKET_BAD }
    if !transfer.allowsEveryAddress {
        var bytes = [UInt8](repeating: 0, count: 16)
        var port: UInt16 = 0
        let count = unsafe ccurl_read_address(address, &bytes, &port)
        guard transfer.allows(count > 0 ? Array(bytes.prefix(count)) : nil, port: port) else { return CURL_SOCKET_BAD }
    }
    let (family, type, number) = unsafe (address.pointee.family, address.pointee.socktype, address.pointee.protocol)
    return socket(family, type | Int32(SOCK_CLOEXEC.rawValue), number)
}

private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
}
