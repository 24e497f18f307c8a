import CCurl
import Glibc

// The functions that libcurl calls. All but `closeSocket` receive the `Transfer`, which the client's thread keeps alive.

/// Receives a part of the body.
///
/// A return value other than its size makes libcurl end the exchange.
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

/// Receives a header line or a trailer field.
///
/// A return value other than its size makes libcurl end the exchange.
func receiveHeaderLine(
    bytes: UnsafeMutablePointer<CChar>?,
    size: Int,
    count: Int,
    context: UnsafeMutableRawPointer?
) -> Int {
    guard let transfer = unsafe transfer(context) else { return 0 }
    let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
    return unsafe transfer.receive(headerLine: line) ? line.count : 0
}

/// Opens the socket for one address, unless the transfer rejects the address; libcurl then tries the next.
func openSocket(
    context: UnsafeMutableRawPointer?,
    purpose: curlsocktype,
    address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    guard let transfer = unsafe transfer(context), let address = unsafe address else { return CURL_SOCKET_BAD }
    var bytes = [UInt8](repeating: 0, count: 16)
    var port: UInt16 = 0
    let count = unsafe ccurl_read_address(address, &bytes, &port)
    let remote = count > 0 ? SocketRegistry.Address(bytes: Array(bytes.prefix(count)), port: port) : nil
    guard transfer.mayConnect(to: remote) else { return CURL_SOCKET_BAD }
    let (family, type, number) = unsafe (address.pointee.family, address.pointee.socktype, address.pointee.protocol)
    let descriptor = socket(family, type | Int32(SOCK_CLOEXEC.rawValue), number)
    if descriptor >= 0 { transfer.sockets.opened(descriptor, to: remote, patience: transfer.patience) }
    return descriptor
}

/// Called on a TCP connection right before the TLS handshake.
func startHandshake(
    handle: UnsafeMutableRawPointer?,
    tlsContext: UnsafeMutableRawPointer?,
    context: UnsafeMutableRawPointer?
) -> CURLcode {
    guard let transfer = unsafe transfer(context), let tlsContext = unsafe tlsContext else {
        return CURLE_ABORTED_BY_CALLBACK
    }
    unsafe ccurl_record_certificate_requests(tlsContext, transfer.sockets.certificateRequest)
    transfer.startHandshake(UInt(bitPattern: tlsContext))
    return CURLE_OK
}

/// Called on an established connection right before the request is sent.
func approveConnection(
    context: UnsafeMutableRawPointer?,
    remoteAddress: UnsafeMutablePointer<CChar>?,
    localAddress: UnsafeMutablePointer<CChar>?,
    remotePort: Int32,
    localPort: Int32
) -> Int32 {
    guard let transfer = unsafe transfer(context), let remoteAddress = unsafe remoteAddress,
        let localAddress = unsafe localAddress
    else { return CURL_PREREQFUNC_ABORT }
    let path = SocketRegistry.Path(
        localAddress: unsafe String(cString: localAddress),
        localPort: localPort,
        remoteAddress: unsafe String(cString: remoteAddress),
        remotePort: remotePort
    )
    return transfer.maySend(over: path) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}

/// Closes a socket, possibly long after the exchange that opened it.
func closeSocket(context: UnsafeMutableRawPointer?, descriptor: curl_socket_t) -> Int32 {
    guard let context = unsafe context else { return close(descriptor) }
    return unsafe Unmanaged<SocketRegistry>.fromOpaque(context).takeUnretainedValue().close(descriptor)
}

private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
}
