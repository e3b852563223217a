# Three regions, one virtual network each, every pair joined by peering.

locals {
  regions = {
    eastus        = { location = "eastus", space = "10.1.0.0/16", servers = "10.1.1.0/24", traffic = "10.1.2.0/24" }
    westeurope    = { location = "westeurope", space = "10.2.0.0/16", servers = "10.2.1.0/24", traffic = "10.2.2.0/24" }
    southeastasia = { location = "southeastasia", space = "10.3.0.0/16", servers = "10.3.1.0/24", traffic = "10.3.2.0/24" }
  }
  peerings = merge([
    for from in keys(local.regions) : {
      for to in keys(local.regions) : "${from}-${to}" => { from = from, to = to } if from != to
    }
  ]...)
}

resource "azurerm_resource_group" "demo" {
  name     = var.resource_group_name
  location = local.regions.eastus.location
}

resource "azurerm_virtual_network" "region" {
  for_each            = local.regions
  name                = "vnet-${each.key}"
  location            = each.value.location
  resource_group_name = azurerm_resource_group.demo.name
  address_space       = [each.value.space]
}

resource "azurerm_subnet" "servers" {
  for_each             = local.regions
  name                 = "servers"
  resource_group_name  = azurerm_resource_group.demo.name
  virtual_network_name = azurerm_virtual_network.region[each.key].name
  address_prefixes     = [each.value.servers]
}

resource "azurerm_subnet" "traffic" {
  for_each             = local.regions
  name                 = "traffic"
  resource_group_name  = azurerm_resource_group.demo.name
  virtual_network_name = azurerm_virtual_network.region[each.key].name
  address_prefixes     = [each.value.traffic]
}

resource "azurerm_virtual_network_peering" "pair" {
  for_each                  = local.peerings
  name                      = each.key
  resource_group_name       = azurerm_resource_group.demo.name
  virtual_network_name      = azurerm_virtual_network.region[each.value.from].name
  remote_virtual_network_id = azurerm_virtual_network.region[each.value.to].id
}

# From outside: SSH and RDP from one network. Among the regions: everything, which peering carries.
resource "azurerm_network_security_group" "region" {
  for_each            = local.regions
  name                = "nsg-${each.key}"
  location            = each.value.location
  resource_group_name = azurerm_resource_group.demo.name

  security_rule {
    name                       = "login"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_port_range          = "*"
    source_address_prefix      = var.allowed_ssh_network
    destination_port_ranges    = ["22", "3389"]
    destination_address_prefix = "*"
  }
}

resource "azurerm_subnet_network_security_group_association" "servers" {
  for_each                  = local.regions
  subnet_id                 = azurerm_subnet.servers[each.key].id
  network_security_group_id = azurerm_network_security_group.region[each.key].id
}

resource "azurerm_subnet_network_security_group_association" "traffic" {
  for_each                  = local.regions
  subnet_id                 = azurerm_subnet.traffic[each.key].id
  network_security_group_id = azurerm_network_security_group.region[each.key].id
}
