# The overwatch and a generator of traffic in East US, backends in West Europe (Linux and Windows)
# and Southeast Asia, a second generator there.

resource "random_bytes" "gossip_key" {
  length = 32
}

resource "random_password" "service_token" {
  length  = 32
  special = false
}

locals {
  linux = {
    overwatch             = { region = "eastus", subnet = "servers", address = "10.1.1.10", role = "overwatch", zone = "us-east" }
    traffic-eastus        = { region = "eastus", subnet = "traffic", address = "10.1.2.10", role = "traffic", zone = "us-east" }
    backend-westeurope    = { region = "westeurope", subnet = "servers", address = "10.2.1.10", role = "agent", zone = "eu-west" }
    backend-southeastasia = { region = "southeastasia", subnet = "servers", address = "10.3.1.10", role = "agent", zone = "ap-southeast" }
    traffic-southeastasia = { region = "southeastasia", subnet = "traffic", address = "10.3.2.10", role = "traffic", zone = "ap-southeast" }
  }
  subnets = {
    servers = { for name, subnet in azurerm_subnet.servers : name => subnet.id }
    traffic = { for name, subnet in azurerm_subnet.traffic : name => subnet.id }
  }
  scripts = "${path.module}/../scripts"
}

resource "azurerm_public_ip" "linux" {
  for_each            = local.linux
  name                = "ip-${each.key}"
  location            = local.regions[each.value.region].location
  resource_group_name = azurerm_resource_group.demo.name
  allocation_method   = "Static"
  sku                 = "Standard"
}

resource "azurerm_network_interface" "linux" {
  for_each            = local.linux
  name                = "nic-${each.key}"
  location            = local.regions[each.value.region].location
  resource_group_name = azurerm_resource_group.demo.name

  ip_configuration {
    name                          = "first"
    subnet_id                     = local.subnets[each.value.subnet][each.value.region]
    private_ip_address_allocation = "Static"
    private_ip_address            = each.value.address
    public_ip_address_id          = azurerm_public_ip.linux[each.key].id
  }
}

resource "azurerm_linux_virtual_machine" "linux" {
  for_each              = local.linux
  name                  = each.key
  location              = local.regions[each.value.region].location
  resource_group_name   = azurerm_resource_group.demo.name
  size                  = var.vm_size
  admin_username        = var.admin_username
  network_interface_ids = [azurerm_network_interface.linux[each.key].id]

  custom_data = base64encode(templatefile("${path.module}/cloud-init/${each.value.role}.yaml.tftpl", {
    package_url      = var.package_url
    package_sha256   = var.package_sha256
    gossip_key       = random_bytes.gossip_key.base64
    service_token    = random_password.service_token.result
    region           = each.value.zone
    overwatch        = local.linux.overwatch.address
    test_cluster     = base64encode(file("${local.scripts}/test-cluster"))
    generate_traffic = base64encode(file("${local.scripts}/generate-traffic"))
    validate_cluster = base64encode(file("${local.scripts}/validate-cluster.sh"))
    show_latency     = base64encode(file("${local.scripts}/show-latency"))
    show_backends    = base64encode(file("${local.scripts}/show-backends"))
  }))

  admin_ssh_key {
    username   = var.admin_username
    public_key = file(pathexpand(var.ssh_public_key_path))
  }

  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Standard_LRS"
  }

  source_image_reference {
    publisher = "Debian"
    offer     = "debian-12"
    sku       = "12-gen2"
    version   = "latest"
  }
}
